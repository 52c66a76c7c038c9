import Catalogue
import ConformanceKit
import SpecLanguage
import SpecProgram
import Testing

@testable import TestGeneration

/// A spec with a choice that nobody sees until later.
private struct Coin: Spec {
  static let name = "test/coin"
  let summary = "a coin that is thrown into one of two boxes"
  enum Player: Role {}
  enum Box: Sort {}
  let players = Parameter("threads", of: Player.self, 1...2, default: 2)
  let boxes = Parameter("boxes", of: Box.self, 1...3, default: 2)
  let full = Map(Box.self, false)
  let thrown = Var(false)
  let table = Lock("table", rank: 10)

  var actions: [Action] {
    Action("throw", by: Player.self) {
      Check(!thrown, else: .EBUSY)
      Holding(table) {
        Step("begins") { thrown <- true }
        ForEach(Box.self) { box in
          Step("into a box") {
            When(!exists(Box.self) { other in full[other] }) { full[box] <- true }
          }
        }
      }
    }
    Action("open", each: Box.self, by: Player.self) { box in
      Check(thrown, else: .ENOENT)
      Check(full[box], else: .EINVAL)
      Step("takes it") {
        full[box] <- false
        thrown <- false
      }
    }
    Action("wait for a coin", by: Player.self) {
      Step("waits") { Require(thrown) }
    }
    Action("an earthquake") { thrown <- false }
  }
  var properties: [Property] { [Property]() }
}

@Suite struct MachineTests {
  private func machine(
    _ spec: SpecDescription, scope: String? = nil, _ options: MachineOptions = MachineOptions()
  ) throws -> (ObservableMachine, Program) {
    let program = try Program(spec, try ResolvedScope(spec, scope: scope))
    let alphabet = try CallAlphabet(program, options)
    let engine = try GuardTable(try GroundProgram(program), monitors: [])
    return (try ObservableMachine(engine, alphabet, options), program)
  }

  private func bundled(_ name: String) throws -> SpecDescription {
    try #require(Catalogue.entry(named: name)).describe()
  }

  @Test func ticketLock() throws {
    let (machine, _) = try machine(try bundled("tutorial/ticket-lock"))
    #expect(machine.stateCount == 2)
    #expect(machine.inputs.map(\.call) == [Call("TAKE")])
    let answers = (0..<2).map { machine.cell($0, 0) }
    #expect(answers == [.goes(answer: 0, to: 1), .goes(answer: 1, to: 1)])
    #expect(machine.answers.map(\.text) == ["ok", "-EBUSY"])
  }

  @Test func choicesStaySets() throws {
    let (machine, program) = try machine(SpecDescription(Coin()))
    let inputs = machine.inputs.map { "\($0.call)" }
    #expect(
      inputs == ["throw()", "open(b: \"b0\")", "open(b: \"b1\")", "wait for a coin()"])
    let open = try #require(inputs.firstIndex(of: "open(b: \"b0\")"))
    let wait = try #require(inputs.firstIndex(of: "wait for a coin()"))
    // One state before the coin is thrown, one after, one for each box once the other was empty.
    #expect(machine.stateCount == 4)
    guard case .goes(_, let thrown) = machine.cell(0, 0) else {
      Issue.record("throwing has one answer")
      return
    }
    guard case .differs(let branches) = machine.cell(thrown, open) else {
      Issue.record("opening a box has two answers")
      return
    }
    #expect(branches.map { machine.answers[$0.answer].text } == ["-EINVAL", "ok"])
    #expect(machine.cell(0, wait) == .open(.cannotBegin))
    let alphabet = try CallAlphabet(program, MachineOptions())
    #expect(alphabet.events == ["an earthquake"])
    let writer = SuiteWriter(machine, alphabet, program, scope: nil)
    #expect(writer.unvisited == 2)
    #expect(writer.loose.count == 2)
    let plan = try CallPlan(writer.certain.machine, PlanOptions(.tour))
    let either = writer.suite(plan, .tour).tests.filter { $0.id.hasPrefix("either") }
    #expect(either.map { $0.steps.last?.expect.count } == [2, 2])
  }

  /// What the machine says, the evaluator of recorded calls says too.
  @Test(arguments: ["kvm/tdx creation", "gmem/mainline small"])
  func agreesWithTheEvaluator(name: String) throws {
    let words = name.split(separator: " ").map(String.init)
    let (machine, program) = try machine(try bundled(words[0]), scope: words[1])
    let certain = machine.certain
    let evaluator = ProcedureEvaluator(program)
    var compared = 0
    for walk in certain.machine.walks(150, length: 60, seed: 3) {
      var state = program.initial
      var place = 0
      for input in walk {
        let own = machine.inputs[input]
        let call = try evaluator.call(own.procedure, own.arguments, from: state) { _ in }
        let done = try #require(call)
        let answer = certain.machine.output(place, input)
        #expect(done.outcome == machine.answers[answer].outcome)
        state = done.state
        place = try #require(certain.machine.next(place, input))
        compared += 1
      }
    }
    #expect(compared > 1_000)
  }

  /// States that are left after merging differ: in what is open, or by a sequence of calls.
  @Test func mergedStatesDiffer() throws {
    let options = MachineOptions(calls: ["KVM_CREATE_VM", "KVM_TDX_INIT_VM", "close(vm)"])
    let (machine, _) = try machine(try bundled("kvm/tdx"), scope: "small", options)
    let certain = machine.certain
    #expect(certain.states.count == machine.stateCount)
    let words = SeparatingWords(certain.machine)
    for left in 0..<machine.stateCount {
      for right in 0..<left where words.word(left, right) == nil {
        let open = [left, right].map { state in
          machine.inputs.indices.map { machine.cell(certain.states[state], $0) }.map {
            if case .open = $0 { true } else { false }
          }
        }
        #expect(open[0] != open[1])
      }
    }
  }

  @Test func sameEveryTime() throws {
    let spec = try bundled("kvm/tdx")
    let (first, _) = try machine(spec, scope: "creation")
    let (second, _) = try machine(spec, scope: "creation")
    #expect(first.fingerprint == second.fingerprint)
    #expect(first.cells == second.cells)
    let plans = try [first, second].map {
      try CallPlan($0.certain.machine, PlanOptions(.certified(k: 0, adaptive: true))).sequences
    }
    #expect(plans[0] == plans[1])
  }

  @Test func limitsAndNames() throws {
    let spec = try bundled("kvm/tdx")
    #expect(throws: MachineError.self) {
      _ = try machine(spec, scope: "creation", MachineOptions(mostStates: 3))
    }
    #expect(throws: MachineError.self) {
      _ = try machine(spec, scope: "creation", MachineOptions(calls: ["nonsense"]))
    }
    #expect(throws: MachineError.self) {
      _ = try machine(spec, scope: "creation", MachineOptions(observed: ["nonsense"]))
    }
    let (made, _) = try machine(spec, scope: "creation")
    #expect(throws: PlanError.self) {
      _ = try CallPlan(made.certain.machine, PlanOptions(.nSwitch(2), mostCalls: 10))
    }
  }
}
