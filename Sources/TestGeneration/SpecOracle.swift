import ConformanceKit
import SpecLanguage
import SpecProgram

/// What a spec allows a call to answer, step by step, whatever is called in whatever order.
public final class SpecOracle {
  private let caller: LoneCaller<GuardTable>
  private let numbers: [Call: Int]
  private var ways: [PackedState: [CallWays]] = [:]

  /// What the caller knows: the states that its calls and their answers may have led to.
  public struct Knowledge: Sendable {
    fileprivate let states: Set<PackedState>
  }

  /// One answer that is allowed.
  public struct Allowed: Sendable {
    public let expected: ExpectedOutcome
    public let outcome: SpecLanguage.Outcome
    /// The checks that refuse the call so; none for an answer that no check gives.
    public let checks: [CheckInfo]
    /// What is known after that answer.
    public let then: Knowledge
  }

  /// - Throws: `unknown` for a deferred action that the spec does not have.
  public init(_ program: Program, deferred: [String]) throws(MachineError) {
    let alphabet = try CallAlphabet(program, MachineOptions(deferred: deferred))
    let engine: GuardTable
    do throws(SpecError) {
      engine = try GuardTable(try GroundProgram(program), monitors: [])
    } catch {
      throw .spec(error)
    }
    caller = LoneCaller(engine, alphabet.inputs, deferred: alphabet.deferred)
    let kernel = KernelWords(program.scope)
    var numbers: [Call: Int] = [:]
    for (number, input) in alphabet.inputs.enumerated() {
      numbers[input.call] = number
      for spoken in kernel.calls(input.call) where numbers[spoken] == nil {
        numbers[spoken] = number
      }
    }
    self.numbers = numbers
  }

  /// What is known before any call.
  public func beginning() throws(MachineError) -> Knowledge {
    do throws(SpecError) { return Knowledge(states: try caller.initialStates()) } catch {
      throw .spec(error)
    }
  }

  /// The answers that are allowed; nil when the spec has no such call, does not let it happen, or
  /// lets it wait.
  public func allowed(
    _ call: Call, _ knowledge: Knowledge
  ) throws(MachineError) -> [Allowed]? {
    guard let number = numbers[call] else { return nil }
    var ends: [SpecLanguage.Outcome: Set<CallWays.End>] = [:]
    for state in knowledge.states {
      let ways: CallWays
      do throws(SpecError) { ways = try self.ways(from: state)[number] } catch {
        throw .spec(error)
      }
      guard !ways.waits, !ways.ends.isEmpty else { return nil }
      for end in ways.ends { ends[end.outcome, default: []].insert(end) }
    }
    return ends.sorted { $0.key.name < $1.key.name }.map { outcome, ends in
      let answer = SeenAnswer(outcome: outcome, observed: [:])
      let checks = Set(ends.compactMap(\.check)).sorted().map { caller.engine.program.checks[$0] }
      return Allowed(
        expected: answer.expected, outcome: outcome,
        checks: checks.filter { $0.outcome == outcome },
        then: Knowledge(states: Set(ends.map(\.state))))
    }
  }

  private func ways(from state: PackedState) throws(SpecError) -> [CallWays] {
    if let known = ways[state] { return known }
    let found = try caller.ways(from: state)
    ways[state] = found
    return found
  }

  /// The checks of the spec that refuse such a call with such an answer.
  public func checks(
    of call: Call?, answering outcome: ConformanceKit.Outcome
  ) -> [CheckInfo] {
    guard let number = call.flatMap({ numbers[$0] }) else { return [] }
    let program = caller.engine.program
    let name = program.actionName(caller.inputs[number].procedure)
    return program.checks.filter { check in
      check.action == name
        && SeenAnswer(outcome: check.outcome, observed: [:]).expected.accepts(outcome)
    }
  }
}
