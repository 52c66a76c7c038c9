/// What a run of calls costs, as counts that grow with sizes.
public struct CostModel: Sendable {
  /// What is measured, in a few words: `shutting a TD down`.
  public let text: String
  /// The calls, one after the other, each with the answer it gets.
  public let calls: [ScenarioCall]
  /// Sizes and parameters that stay as they are.
  public let fixed: [String: Int]
  public let terms: [CostTerm]

  public init(
    _ text: String, fixed: [String: Int] = [:], @ListBuilder<CostTerm> terms: () -> [CostTerm],
    @ListBuilder<ScenarioCall> calls: () -> [ScenarioCall]
  ) {
    self.text = text
    self.fixed = fixed
    self.terms = terms()
    self.calls = calls()
  }
}

/// One kind of event that costs time.
public struct CostTerm: Sendable {
  public let name: String
  /// Names of steps; each counts once whenever it is taken.
  public let steps: Set<String>
  /// Each counts as often as there are elements of the sort.
  public let each: SortID?
  /// Only steps that the thread takes while it holds this lock for itself.
  public let under: LockDeclaration?

  /// - Parameter leaves: SEAMCALLs; each counts when it completes.
  public init(_ name: String, leaves: [String], under lock: RWLock? = nil) {
    self.name = name
    steps = Set(leaves.map { "\($0) completes" })
    each = nil
    under = lock?.lock
  }

  /// - Parameter sort: the step concerns every element of it.
  public init<S: Sort>(_ name: String, step: String, each sort: S.Type) {
    self.name = name
    steps = [step]
    each = S.sort
    under = nil
  }
}
