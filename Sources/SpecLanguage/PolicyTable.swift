/// What several policies cost for the same inputs: runs of calls, weighted by how often they occur.
///
/// The inputs are data and no fact of the spec, so what is counted is SAMPLED.
public struct PolicyTable: Sendable {
  /// What is counted, in a few words.
  public let text: String
  /// Sizes and parameters that stay as they are.
  public let fixed: [String: Int]
  public let policies: [CostPolicy]
  public let inputs: [CostInput]
  public let columns: [CostColumn]

  public init(
    _ text: String, fixed: [String: Int], @ListBuilder<CostPolicy> policies: () -> [CostPolicy],
    @ListBuilder<CostInput> inputs: () -> [CostInput],
    @ListBuilder<CostColumn> columns: () -> [CostColumn]
  ) {
    self.text = text
    self.fixed = fixed
    self.policies = policies()
    self.inputs = inputs()
    self.columns = columns()
  }
}

/// A row of a `PolicyTable`: parameters, and calls of its own.
public struct CostPolicy: Sendable {
  public let name: String
  public let values: [String: Int]
  /// What is done under this policy where a run says that there is time for it.
  public let whenIdle: [ScenarioCall]
  /// Columns that are 0 under this policy, by name.
  public let free: Set<String>

  public init(
    _ name: String, _ values: [String: Int], free: Set<String> = [],
    @ListBuilder<ScenarioCall> whenIdle: () -> [ScenarioCall] = { [] }
  ) {
    self.name = name
    self.values = values
    self.free = free
    self.whenIdle = whenIdle()
  }
}

/// An input distribution: runs with their weights.
public struct CostInput: Sendable {
  public let name: String
  /// What was measured where the weights come from, if anything was.
  public let measured: String
  public let citations: [String]
  public let values: [String: Int]
  /// What one unit of a column with `perUnit` stands for, such as KiB a block.
  public let unit: Int
  public let runs: [CostRun]

  public init(
    _ name: String, measured: String = "", unit: Int, _ values: [String: Int] = [:],
    cites citations: String..., @ListBuilder<CostRun> runs: () -> [CostRun]
  ) {
    self.name = name
    self.measured = measured
    self.citations = citations
    self.values = values
    self.unit = unit
    self.runs = runs()
  }
}

/// Calls from the initial state, and how often that occurs.
public struct CostRun: Sendable {
  public let weight: Int
  public let calls: [ScenarioCall]
  /// Whether what a policy does when there is time comes after these calls.
  public let isIdle: Bool
  /// What comes after that.
  public let then: [ScenarioCall]

  public init(
    _ weight: Int, idle isIdle: Bool = false, then: [ScenarioCall] = [],
    @ListBuilder<ScenarioCall> calls: () -> [ScenarioCall]
  ) {
    self.weight = weight
    self.isIdle = isIdle
    self.then = then
    self.calls = calls()
  }
}

/// What a `PolicyTable` counts along a run.
public struct CostColumn: Sendable {
  public enum Kind: Sendable {
    /// Steps after which a cell of the variable has a value that it did not have before.
    /// `from`: only where it had this one.
    case entering(VariableID, Int, from: Int?)
    /// Cells of the variable that have a value when the run has ended.
    case ending(VariableID, Int)
    /// Calls of the action that take steps.
    case calls(String)
    /// Steps of calls of the action.
    case steps(String)
  }

  public let name: String
  public let kind: Kind
  /// Whether the count is multiplied by the input's unit.
  public let perUnit: Bool

  /// Cells of a map that come to have a value.
  public init<K: Domain, V: EnumDomain>(
    _ name: String, of map: Map<K, V>, entering value: V, from: V? = nil
  ) {
    self.init(
      name, .entering(map.declaration.id, Self.code(value), from: from.map(Self.code)), false)
  }

  /// Cells of a map that have a value at the end, times the input's unit.
  public init<K: Domain, V: EnumDomain>(_ name: String, of map: Map<K, V>, ending value: V) {
    self.init(name, .ending(map.declaration.id, Self.code(value)), true)
  }

  public init(_ name: String, callsOf action: String) { self.init(name, .calls(action), false) }

  public init(_ name: String, stepsOf action: String) { self.init(name, .steps(action), false) }

  private init(_ name: String, _ kind: Kind, _ perUnit: Bool) {
    self.name = name
    self.kind = kind
    self.perUnit = perUnit
  }

  private static func code<V: EnumDomain>(_ value: V) -> Int {
    V.allCases.enumerated().first { $0.element == value }?.offset ?? 0
  }
}
