import SpecLanguage

/// What is known about a trace among all runs that do the same.
///
/// Each word stands on the ones before it: the fewest switches among the shortest runs, the fewest
/// elements among those.
public struct TraceQuality: Hashable, Sendable {
  /// No run with fewer steps does it.
  public var isShortest: Bool
  /// No run that is as short has fewer switches; where the trace is not shown to be shortest, no
  /// run with at most as many steps has.
  public var hasFewestSwitches: Bool
  /// No run as short with as few switches uses fewer elements.
  public var hasFewestElements: Bool

  public init(isShortest: Bool, hasFewestSwitches: Bool = false, hasFewestElements: Bool = false) {
    self.isShortest = isShortest
    self.hasFewestSwitches = hasFewestSwitches
    self.hasFewestElements = hasFewestElements
  }
}

/// An element of a sort; a thread is one of `SortID.thread`.
public struct UsedElement: Hashable, Sendable {
  public let sort: SortID
  public let number: Int
}

extension TransitionLabel {
  /// Whether another actor takes this step than the one before; an event without a thread is an
  /// actor of its own each time.
  public func isSwitch(after before: TransitionLabel) -> Bool {
    thread == nil || thread != before.thread
  }
}

extension Trace {
  /// How often the actor changes between one step and the next.
  public var switches: Int {
    zip(steps.dropFirst(), steps).count { $0.label.isSwitch(after: $1.label) }
  }
}

extension Program {
  /// The thread that takes a step, and the elements among the arguments of a call that it begins.
  public func elements(usedBy label: TransitionLabel) -> [UsedElement] {
    var result: [UsedElement] = []
    if let thread = label.thread { result.append(UsedElement(sort: .thread, number: thread)) }
    guard label.source == 0 else { return result }
    for (argument, value) in zip(procedures[label.procedure].action.arguments, label.choice) {
      guard case .element(let sort) = argument.bound.type else { continue }
      result.append(UsedElement(sort: sort, number: value))
    }
    return result
  }

  /// The threads and elements that a run uses.
  public func elements(usedBy trace: Trace) -> Set<UsedElement> {
    Set(trace.steps.flatMap { elements(usedBy: $0.label) })
  }

  /// The actions of the spec of which a run takes no step, in the order of the spec: without them
  /// the run stays possible.
  public func actionsWithoutPart(in trace: Trace) -> [String] {
    var taken: Set<String> = []
    for step in trace.steps {
      let procedure = procedures[step.label.procedure]
      taken.insert(procedure.action.name)
      taken.formUnion(procedure.info[step.label.node].path)
    }
    return spec.actions.map(\.name).filter { !taken.contains($0) }
  }
}
