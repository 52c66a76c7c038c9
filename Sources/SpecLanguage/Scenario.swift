/// One call of a scenario, with the answer it gets.
public struct ScenarioCall: Hashable, Sendable {
  /// The action's name.
  public let action: String
  /// One number an argument: the index of the element, the case or the value.
  public let arguments: [Int]
  public let answer: Outcome
  public let location: SourceLocation
}

/// A call in a `Scenario`: `Do("KVM_TDX_TERMINATE_VM", answers: .ok)`.
///
/// - Parameter arguments: one number an argument; elements of a sort count from 0.
public func Do(
  _ action: String, _ arguments: Int..., answers answer: Outcome,
  file: String = #fileID, line: Int = #line
) -> ScenarioCall {
  ScenarioCall(
    action: action, arguments: arguments, answer: answer,
    location: SourceLocation(file: file, line: line))
}

/// These calls, one after the other, can get these answers.
///
/// Each call runs to its end before the next begins; where the spec leaves a choice, some choice
/// must lead on.
public func Scenario(
  _ id: String, _ text: String, cites citations: String...,
  file: String = #fileID, line: Int = #line,
  @ListBuilder<ScenarioCall> _ calls: () -> [ScenarioCall]
) -> Property {
  Property(
    id: id, text: text, kind: .scenario(calls(), possible: true), citations: citations,
    location: SourceLocation(file: file, line: line))
}

/// These calls, one after the other, can never all get these answers.
public func ImpossibleScenario(
  _ id: String, _ text: String, cites citations: String...,
  file: String = #fileID, line: Int = #line,
  @ListBuilder<ScenarioCall> _ calls: () -> [ScenarioCall]
) -> Property {
  Property(
    id: id, text: text, kind: .scenario(calls(), possible: false), citations: citations,
    location: SourceLocation(file: file, line: line))
}
