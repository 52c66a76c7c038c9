import SpecLanguage
import Testing

@testable import SpecFuzzing
@testable import SpecProgram

struct Locked: SpecPart {
  let mutex = Lock("mutex", rank: 10)
  let second = Lock("second", rank: 20)
  let rw = RWLock("rw", rank: 30)
  let each = Locks("each", each: V.self, rank: 40)
  let inside = Var(0, in: 0...3)
  let reading = Var(0, in: 0...3)
  let flag = Var(false)
  let stop = Var(false)
  let answered = Var(Outcome.ok)
}

@Suite("Locks") struct LockTests {
  let part = Locked()

  private func graph(
    threads: Int = 2, fuse: Bool = true, @ListBuilder<Action> _ actions: () -> [Action]
  ) throws -> Graph {
    let description = describe(part, actions: actions)
    return try Graph(Program(description, ["workers": threads, "V": 2], fuse: fuse))
  }

  /// Every lock is free when no thread is inside a call.
  private func everythingReleased(_ graph: Graph) -> Bool {
    let locks = graph.program.cells.indices.filter { cell in
      graph.program.spec.variables.contains {
        guard case .lock = $0.declaration.kind else { return false }
        return graph.program.cells[cell].role == .variable($0.declaration.id)
      }
    }
    return graph.idle.allSatisfy { state in locks.allSatisfy { state[$0] == 0 } }
  }

  private var enter: Statement { Step("enter") { part.inside <- part.inside + 1 } }
  private var leave: Statement { Step("leave") { part.inside <- part.inside - 1 } }

  @Test("a mutex excludes", arguments: [true, false]) func mutex(fuse: Bool) throws {
    let graph = try graph(threads: 3, fuse: fuse) {
      Action("critical", by: Worker.self) {
        Holding(part.mutex) {
          enter
          leave
        }
      }
    }
    #expect(graph.values("inside") == [0, 1])
    #expect(everythingReleased(graph))
  }

  @Test("without the mutex both are inside") func race() throws {
    let graph = try graph {
      Action("critical", by: Worker.self) {
        enter
        leave
      }
    }
    #expect(graph.values("inside") == [0, 1, 2])
  }

  @Test("readers share, a writer excludes", arguments: [true, false])
  func readersAndWriters(fuse: Bool) throws {
    let graph = try graph(threads: 3, fuse: fuse) {
      Action("read", by: Worker.self) {
        Holding(part.rw, .read) {
          Step("reads") { part.reading <- part.reading + 1 }
          Step("has read") { part.reading <- part.reading - 1 }
        }
      }
      Action("write", by: Worker.self) {
        Holding(part.rw, .write) {
          enter
          leave
        }
      }
    }
    #expect(graph.values("reading") == [0, 1, 2, 3])
    #expect(graph.values("inside") == [0, 1])
    let both = graph.states.filter {
      graph.program.value("reading", in: $0) > 0 && graph.program.value("inside", in: $0) > 0
    }
    #expect(both.isEmpty)
    #expect(everythingReleased(graph))
  }

  @Test("TryAcquire answers when the lock is taken, and never waits") func tries() throws {
    let graph = try graph {
      Action("try", by: Worker.self) {
        TryAcquire(part.mutex, else: .EBUSY)
        enter
        leave
        Release(part.mutex)
      }
    }
    #expect(graph.outcomes(of: "try") == ["ok", "EBUSY"])
    #expect(graph.values("inside") == [0, 1])
    #expect(everythingReleased(graph))
    // An idle thread always has a move of its own.
    for state in graph.states {
      for (thread, layout) in graph.program.threads.enumerated() where state[layout.location] == 0 {
        let own = graph.transitions[state]?.contains { $0.label.thread == thread }
        #expect(own == true)
      }
    }
  }

  @Test("TryAcquireAll takes all or none") func family() throws {
    let graph = try graph {
      Action("all", by: Worker.self) {
        TryAcquireAll(part.each, else: .EBUSY)
        enter
        ReleaseAll(part.each)
        leave
      }
      Action("one", each: V.self, by: Worker.self) { v in
        Holding(part.each[v]) { Step("works") { part.flag <- false } }
      }
    }
    #expect(graph.outcomes(of: "all") == ["ok", "EBUSY"])
    #expect(everythingReleased(graph))
    let owned = graph.states.map { state in
      (0..<2).map { graph.program.value("each[v\($0)]", in: state) }
    }
    #expect(Set(owned).isSuperset(of: [[1, 1], [2, 2], [0, 0], [1, 0], [1, 2]]))
  }

  @Test("Holding releases when a check fails inside, two locks deep", arguments: [true, false])
  func nestedCheck(fuse: Bool) throws {
    let graph = try graph(fuse: fuse) {
      Action("nested", by: Worker.self) {
        Holding(part.mutex) {
          Holding(part.second) {
            Check(!part.stop, else: .EIO)
            Holding(part.rw, .write) { Check(!part.flag, else: .EBUSY) }
          }
        }
      }
      Action("stop") { part.stop <- true }
      Action("flag") { part.flag <- true }
    }
    #expect(graph.outcomes(of: "nested") == ["ok", "EIO", "EBUSY"])
    #expect(everythingReleased(graph))
  }

  @Test("Holding releases when When returns", arguments: [true, false])
  func returnInsideWhen(fuse: Bool) throws {
    let graph = try graph(fuse: fuse) {
      Action("returns", by: Worker.self) {
        Holding(part.mutex) {
          Holding(part.rw, .read) {
            When(part.flag) { Return(.EAGAIN) }
            Step("works") {
              When(part.stop) { Return(.EIO) }
              part.answered <- .EBUSY
            }
          }
          Step("after") { part.inside <- 1 }
        }
      }
      Action("flag") { part.flag <- true }
      Action("stop") { part.stop <- true }
    }
    #expect(graph.outcomes(of: "returns") == ["ok", "EAGAIN", "EIO"])
    #expect(graph.values("inside") == [0, 1])
    #expect(everythingReleased(graph))
  }

  @Test("TryHolding gives the lock back together with its last step") func tryHolding() throws {
    let graph = try graph {
      Action("leaf", by: Worker.self) {
        TryHolding(part.mutex, else: .EBUSY) { Step("completes") { part.flag <- true } }
        Step("after") { part.stop <- true }
      }
    }
    #expect(graph.outcomes(of: "leaf") == ["ok", "EBUSY"])
    for transition in graph.all where graph.program.stepName(transition.label) == "completes" {
      #expect(graph.program.value("mutex", in: transition.state) == 0)
    }
    // Nobody else is refused once the effect is there.
    let takes = graph.states.filter { graph.program.value("mutex", in: $0) != 0 }
    #expect(!takes.isEmpty)
    #expect(everythingReleased(graph))
  }

  @Test("an unlocked gate and a later step have others between them") func checkThenUse() throws {
    let graph = try graph {
      Action("use", by: Worker.self) {
        Check(!part.stop, else: .EIO)
        Step("uses") { part.flag <- part.stop }
      }
      Action("kill", by: Worker.self) { Step("kills") { part.stop <- true } }
    }
    // flag is only true when the object was dead already: the race is reachable.
    #expect(graph.values("flag") == [0, 1])
    let locked = try self.graph {
      Action("use", by: Worker.self) {
        Holding(part.mutex) {
          Check(!part.stop, else: .EIO)
          Step("uses") { part.flag <- part.stop }
        }
      }
      Action("kill", by: Worker.self) {
        Holding(part.mutex) { Step("kills") { part.stop <- true } }
      }
    }
    #expect(locked.values("flag") == [0])
    #expect(locked.values("stop") == [0, 1])
  }

  @Test("ranks and balance are watched") func builtIn() throws {
    func violated(_ id: String, @ListBuilder<Action> _ actions: () -> [Action]) throws -> Bool {
      let graph = try graph(threads: 2, actions)
      let property = try #require(graph.program.properties.first { $0.property.id == id })
      let interpreter = Interpreter(graph.program)
      return try graph.states.contains { try !interpreter.holds(property, in: $0) }
    }
    let nothing = Step("works") { part.flag <- false }
    #expect(
      try violated("lock-order") {
        Action("a", by: Worker.self) { Holding(part.second) { Holding(part.mutex) { nothing } } }
      })
    #expect(
      try !violated("lock-order") {
        Action("a", by: Worker.self) { Holding(part.mutex) { Holding(part.second) { nothing } } }
      })
    #expect(
      try violated("lock-balance") { Action("a", by: Worker.self) { Acquire(part.mutex) } })
    #expect(
      try !violated("lock-balance") {
        Action("a", by: Worker.self) { Holding(part.mutex) { Check(!part.flag, else: .EIO) } }
      })
    #expect(
      try violated("lock-balance") {
        Action("a", by: Worker.self) { Step("takes, with other work") { Acquire(part.mutex) } }
      }, "a lock taken inside a Step")
    #expect(
      try violated("lock-balance") {
        Action("a", each: V.self, V.self, by: Worker.self) { a, b in
          Acquire(part.each[a])
          Acquire(part.each[b])
          Release(part.each[a])
        }
      }, "one of two locks of a family")
  }
}
