import SpecLanguage
import Testing

@testable import SpecFuzzing
@testable import SpecProgram

struct Visits: SpecPart {
  let visits = Map(V.self, 0, in: 0...3)
  let last = Var(V?.none)
  let ordered = Var(true)
  let flag = Var(false)
  let done = Var(false)
  let answered = Var(Outcome.ok)
  let count = Var(0, in: 0...7)
}

@Suite("Procedures") struct ProcedureTests {
  let part = Visits()

  private func graph(
    threads: Int = 1, v: Int = 3, @ListBuilder<Action> _ actions: () -> [Action]
  ) throws -> Graph {
    try Graph(Program(describe(part, actions: actions), ["workers": threads, "V": v]))
  }

  private func visit(_ v: Expr<V>) -> Statement {
    Step("visit") {
      part.visits[v] <- part.visits[v] + 1
      part.last <- v
    }
  }

  @Test("ForEach visits every element once, in every order") func anyOrder() throws {
    let graph = try graph {
      Action("all", by: Worker.self) {
        Require(!part.done)
        ForEach(V.self) { v in visit(v) }
        part.done <- true
      }
    }
    let ended = graph.idle.filter { graph.program.value("done", in: $0) == 1 }
    // The last one visited differs, nothing else does.
    #expect(ended.count == 3)
    for element in 0..<3 { #expect(graph.values("visits[v\(element)]", ended) == [1]) }
    // On the way: idle, started, three of one, then which two and which of them was the last.
    let paths = countPaths(graph, from: graph.program.initial) {
      graph.program.value("done", in: $0) == 1 && !graph.program.isBusy($0)
    }
    #expect(paths == 6)
  }

  @Test("Repeat does its body once, and again while the condition holds") func rounds() throws {
    let graph = try graph {
      Action("twice or more", by: Worker.self) {
        Require(!part.done)
        Repeat(while: part.count < 2) {
          Step("one more") { part.count <- part.count + 1 }
        }
        Step("enough") { part.done <- true }
      }
    }
    let ended = graph.idle.filter { graph.program.value("done", in: $0) == 1 }
    #expect(graph.values("count", ended) == [2])
    // Started, then a round and a look at the condition twice over, then the end.
    #expect(graph.transitions.count == 7)
  }

  @Test("a condition that already fails still gets one round") func oneRound() throws {
    let graph = try graph {
      Action("once", by: Worker.self) {
        Require(!part.done)
        Repeat(while: part.flag) {
          Step("one more") { part.count <- part.count + 1 }
        }
        Step("enough") { part.done <- true }
      }
    }
    let ended = graph.idle.filter { graph.program.value("done", in: $0) == 1 }
    #expect(graph.values("count", ended) == [1])
  }

  @Test("a Repeat that nothing ends goes round for ever, and no reduction loses it")
  func forEver() throws {
    let graph = try graph {
      Action("spins", by: Worker.self) {
        Repeat(while: !part.done) { Step("looks") { part.flag <- !part.flag } }
      }
    }
    let busy = graph.transitions.keys.filter { graph.program.isBusy($0) }
    #expect(!busy.isEmpty)
    #expect(busy.allSatisfy { graph.transitions[$0]?.isEmpty == false })
  }

  private func countPaths(
    _ graph: Graph, from state: [Int], to target: ([Int]) -> Bool
  ) -> Int {
    if target(state) { return 1 }
    return (graph.transitions[state] ?? []).reduce(0) {
      $0 + countPaths(graph, from: $1.state, to: target)
    }
  }

  @Test("an ordered ForEach visits in increasing order") func ordered() throws {
    let graph = try graph {
      Action("all", by: Worker.self) {
        Require(!part.done)
        ForEach(ordered: V.self) { v in
          Step("visit") {
            part.visits[v] <- part.count
            part.count <- part.count + 1
          }
        }
        part.done <- true
      }
    }
    let ended = graph.idle.filter { graph.program.value("done", in: $0) == 1 }
    #expect(ended.count == 1)
    for element in 0..<3 { #expect(graph.values("visits[v\(element)]", ended) == [element]) }
  }

  @Test("a filter chooses the elements") func filter() throws {
    let graph = try graph {
      Action("others", each: V.self, by: Worker.self) { v in
        Require(!part.done)
        ForEach(V.self, where: { w in w != v }) { w in visit(w) }
        part.done <- true
      }
    }
    let ended = graph.idle.filter { graph.program.value("done", in: $0) == 1 }
    let visited = Set(
      ended.map { state in
        (0..<3).map { graph.program.value("visits[v\($0)]", in: state) }
      })
    #expect(visited == [[0, 1, 1], [1, 0, 1], [1, 1, 0]])
  }

  @Test("a loop's element is forgotten between rounds, with or without a filter")
  func loopElement() throws {
    func states(_ filtered: Bool) throws -> Int {
      try graph {
        Action("all", by: Worker.self) {
          ForEach(V.self, where: filtered ? { w in w == w } : nil) { v in
            Step("visit") { part.visits[v] <- 1 }
          }
          Step("end") { Each(V.self) { v in part.visits[v] <- 0 } }
        }
      }.states.count
    }
    // Where it stands depends on which elements are done, not on the one done last: the empty
    // set is idle, seven subsets follow.
    #expect(try states(false) == 8)
    #expect(try states(true) == 8)
  }

  @Test("Call answers into a local") func callInto() throws {
    let callee = Action("callee") {
      Check(!part.flag, else: .EBUSY)
      Step("works") { part.count <- 1 }
      When(part.done) { Return(.EAGAIN) }
    }
    let graph = try graph {
      Action("caller", by: Worker.self) {
        let status = Local<Outcome>("status")
        Call(callee, into: status)
        part.answered <- status
        When(status == .EBUSY) { Return(.EIO) }
        Return(status)
      }
      Action("toggle") {
        Require(!part.flag)
        part.flag <- true
      }
      Action("finish") { part.done <- true }
    }
    #expect(graph.outcomes(of: "caller") == ["ok", "EIO", "EAGAIN"])
    let answers = Set(
      graph.values("answered").map { graph.program.outcomes[$0].name })
    #expect(answers == ["ok", "EBUSY", "EAGAIN"])
  }

  @Test("a call whose answer nobody looks at does not end the caller") func ignored() throws {
    let graph = try graph {
      Action("caller", by: Worker.self) {
        Call(Action("callee") { Check(part.flag, else: .EINVAL) })
        part.done <- true
      }
    }
    #expect(graph.outcomes(of: "caller") == ["ok"])
    #expect(graph.values("done") == [0, 1])
  }

  @Test("a local is forgotten when nothing reads it any more") func canonical() throws {
    func states(_ readLate: Bool) throws -> Int {
      try graph {
        Action("call", each: V.self, by: Worker.self) { v in
          let seen = Local<Bool>("seen")
          seen <- part.flag
          Step("one") { part.count <- 1 }
          Step("two") { When(seen) { part.done <- false } }
          if readLate { Step("late") { When(seen) { part.done <- false } } }
          Step("three") { part.count <- 0 }
        }
        Action("toggle") { part.flag <- !part.flag }
      }.states.count
    }
    // flag × (idle 1 + before one 2 + before two 2 + before three 1); count follows the place.
    // The argument is never read after the start, so it does not multiply.
    #expect(try states(false) == 2 * (1 + 2 + 2 + 1))
    #expect(try states(true) == 2 * (1 + 2 + 2 + 2 + 1))
  }

  @Test("a check that fails has written nothing") func refusal() throws {
    let graph = try graph {
      Action("call", by: Worker.self) {
        let seen = Local<Bool>("seen")
        Call(
          Action("callee") {
            Step("checks") {
              seen <- true
              Each(V.self) { v in
                Check(part.visits[v] == 0, else: .EBUSY)
                part.visits[v] <- 1
              }
            }
          })
        When(seen) { Step("sees") { part.flag <- true } }
      }
      Action("visit", each: V.self) { v in
        Require(forAll(V.self) { w in part.visits[w] == 0 })
        part.visits[v] <- 2
      }
    }
    let partly = graph.states.filter { state in
      Set((0..<3).map { graph.program.value("visits[v\($0)]", in: state) }) == [0, 1]
        || Set((0..<3).map { graph.program.value("visits[v\($0)]", in: state) }) == [0, 1, 2]
    }
    #expect(partly.isEmpty)
  }

  @Test("no state has more successors than promised") func bound() throws {
    let description = describe(part) {
      Action("call", by: Worker.self) {
        let never = Local<Bool>("never")
        ForEach(V.self) { v in When(never) { visit(v) } }
        Step("end") { part.done <- true }
      }
    }
    let program = try Program(description, ["workers": 2, "V": 4])
    let found = try Interpreter(program).transitions(from: program.initial)
    #expect(found.count <= program.maxSuccessors)
  }
}
