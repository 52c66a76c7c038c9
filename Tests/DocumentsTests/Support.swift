import Catalogue
import Documents
import Explorer
import SpecLanguage
import SpecProgram
import Testing
import Verdicts

/// Specs and surveys for the tests.
enum Support {
  /// A spec of the catalogue with every step of its own.
  static func program(_ name: String, _ scope: String? = nil) throws -> Program {
    let spec = try #require(Catalogue.entry(named: name)).describe()
    return try Program(
      spec, ResolvedScope(spec, scope: scope), ProgramOptions(fuseReleases: false))
  }

  static func program(_ spec: some Spec) throws -> Program {
    let described = SpecDescription(spec)
    return try Program(
      described, ResolvedScope(described), ProgramOptions(fuseReleases: false))
  }

  static func survey(_ program: Program, maxStates: Int? = nil) throws -> SpecSurvey {
    var limits = SearchLimits()
    limits.maxStates = maxStates
    let engine = try GuardTable(try GroundProgram(program), monitors: [])
    return try SpecSurvey(engine, RowVariables(program).read, limits)
  }

  /// A survey with a report without properties.
  static func compared(_ program: Program) throws -> ComparedSpec {
    let report = SpecReport(
      program: program, scope: nil, states: 0, transitions: 0, diameter: 0, seconds: 0,
      peakBytes: 0, engine: "table", reductions: [], properties: [], notes: [])
    return ComparedSpec(try survey(program), report)
  }

  /// Whether the interpreter can take every step.
  static func replays(_ trace: Trace, in program: Program) throws -> Bool {
    let interpreter = Interpreter(program)
    var state = program.initial
    for step in trace.steps {
      let found = try interpreter.transitions(from: state).contains {
        $0.label == step.label && $0.state == step.state
      }
      guard found else { return false }
      state = step.state
    }
    return true
  }
}

/// Two threads that race for slots, with what documents have to show: an enumeration for each
/// element, a lock family, a called action and several answers.
struct SlotSpec: Spec {
  enum Slot: Sort {}
  enum Worker: Role {}
  enum Phase: EnumDomain { case empty, full, closed }

  static let name = "test/slots"
  let summary = "slots that are filled and closed"
  let slots = Parameter("slots", of: Slot.self, 1...2, default: 2)
  let workers = Parameter("threads", of: Worker.self, 1...2, default: 2)
  let phase = Map(Slot.self, Phase.empty)
  let open = Var(true)
  let locks = Locks("slot->lock", each: Slot.self, rank: 10)
  let big = RWLock("big", rank: 5)
  let module = Lock("MODULE", rank: nil)
  /// What the check for a full slot answers.
  var whenFull = Outcome.EEXIST
  /// Whether the slot's lock is held at the called action.
  var locksFirst = true

  private func seal(_ slot: Expr<Slot>) -> Action {
    Action("SEAL") {
      TryHolding(module, else: .EBUSY) {
        Step("SEAL completes") {
          Check(phase[slot] == .full, else: .EINVAL)
          phase[slot] <- .closed
        }
      }
    }
  }

  var actions: [Action] {
    Action("FILL", each: Slot.self, by: Worker.self) { s in
      Check(open, else: .EIO)
      Holding(locks[s]) {
        Check(phase[s] == .empty, else: whenFull)
        Step("fills it") { phase[s] <- .full }
      }
    }
    Action("CLOSE", each: Slot.self, by: Worker.self) { s in
      Holding(big, .read) {
        Statements {
          if locksFirst { Acquire(locks[s]) }
          Call(seal(s))
          if locksFirst { Release(locks[s]) }
        }
      }
    }
    Action("SHUT") {
      Require(open)
      open <- false
    }
  }
  var properties: [Property] {
    Possible("P-1", "a slot is closed") { exists(Slot.self) { s in phase[s] == .closed } }
  }
}
