/// An assumption about which steps cannot be put off for ever, as data.
///
/// Fairness is meant *for each instance* of what is named, never for the whole of it:
///
/// - `.weak("Reclaim")`, a one-step action: for each tuple of arguments;
/// - `.weak("KVM_RUN")`, a procedure: for each thread, "inside the call, it takes its next step";
/// - `.weak(threadsOf: HostThread.self)`: for each thread, the same for whatever call it is inside;
/// - `.weak(starting: "kvm_destroy_vm")`: for each tuple of arguments, "an idle thread begins it".
///
/// No thread is ever obliged to begin a call, but by `starting:`.
public struct Fairness: Hashable, Sendable {
  public enum Strength: Hashable, Sendable {
    /// What is enabled at every moment from some moment on is taken infinitely often.
    case weak
    /// What is enabled infinitely often is taken infinitely often.
    case strong
  }

  public enum Target: Hashable, Sendable {
    /// A one-step action, or the steps of a procedure after its first.
    case action(String)
    /// The first step of a procedure.
    case starting(String)
    /// Every step of a thread of the role that is inside a call.
    case threads(SortID)
  }

  public let strength: Strength
  public let target: Target
  public let location: SourceLocation

  private init(_ strength: Strength, _ target: Target, _ file: String, _ line: Int) {
    self.strength = strength
    self.target = target
    location = SourceLocation(file: file, line: line)
  }

  /// Each instance that stays enabled is taken.
  public static func weak(
    _ action: String, file: String = #fileID, line: Int = #line
  ) -> Fairness { Fairness(.weak, .action(action), file, line) }

  /// Each instance that is enabled again and again is taken.
  public static func strong(
    _ action: String, file: String = #fileID, line: Int = #line
  ) -> Fairness { Fairness(.strong, .action(action), file, line) }

  /// A call that some idle thread could begin at any moment is begun.
  public static func weak(
    starting action: String, file: String = #fileID, line: Int = #line
  ) -> Fairness { Fairness(.weak, .starting(action), file, line) }

  /// A call that some idle thread could begin again and again is begun.
  public static func strong(
    starting action: String, file: String = #fileID, line: Int = #line
  ) -> Fairness { Fairness(.strong, .starting(action), file, line) }

  /// A thread inside a call that can go on at any moment goes on: it is scheduled.
  public static func weak<R: Role>(
    threadsOf role: R.Type, file: String = #fileID, line: Int = #line
  ) -> Fairness { Fairness(.weak, .threads(R.sort), file, line) }

  /// A thread inside a call that can go on again and again goes on: it is scheduled, and the locks
  /// it waits for are handed over fairly.
  public static func strong<R: Role>(
    threadsOf role: R.Type, file: String = #fileID, line: Int = #line
  ) -> Fairness { Fairness(.strong, .threads(R.sort), file, line) }
}

/// What a `LeadsTo` claims.
public struct LeadsToClaim: Hashable, Sendable {
  /// The claim is made for every element of this name's sort; `nil` when it is made once.
  public let element: BoundID?
  public let premise: Node
  public let conclusion: Node
  public let fairness: [Fairness]
}

/// Whenever the premise holds, the conclusion holds then or later, in every fair run.
///
/// A run is infinite: it takes steps for ever, or it stops for ever in a state. It is fair if it
/// keeps every assumption of `fairness`; so it may stop wherever nothing fair is enabled, and
/// without assumptions it may stop anywhere (kvm-tdx §7.3).
///
/// - Parameter fairness: what cannot be put off for ever; everything else can.
public func LeadsTo(
  _ id: String, _ text: String, cites citations: String..., fairness: [Fairness] = [],
  file: String = #fileID, line: Int = #line,
  @ConditionBuilder _ premise: () -> Condition, @ConditionBuilder then: () -> Condition
) -> Property {
  let claim = LeadsToClaim(
    element: nil, premise: premise().node, conclusion: then().node, fairness: fairness)
  return Property(
    id: id, text: text, kind: .leadsTo(claim), citations: citations,
    location: SourceLocation(file: file, line: line))
}

/// The same claim for every element of a sort, each on its own.
public func LeadsTo<S: Sort>(
  _ id: String, _ text: String, each sort: S.Type, cites citations: String...,
  fairness: [Fairness] = [], file: String = #fileID, line: Int = #line,
  @ConditionBuilder _ premise: (Expr<S>) -> Condition,
  @ConditionBuilder then: (Expr<S>) -> Condition
) -> Property {
  let bound = BoundID(raw: Identity.next(), type: S.valueType)
  let element = Expr<S>(.bound(bound))
  let claim = LeadsToClaim(
    element: bound, premise: premise(element).node, conclusion: then(element).node,
    fairness: fairness)
  return Property(
    id: id, text: text, kind: .leadsTo(claim), citations: citations,
    location: SourceLocation(file: file, line: line))
}

extension LeadsToClaim {
  /// Everything the claim mentions, as one condition; not what it means.
  var mentioned: Node {
    let both = Node.implies(premise, conclusion)
    return element.map { .forAll($0, both) } ?? both
  }
}

extension Property {
  /// Whether it is about infinite runs, so that it needs the full graph and every step of it.
  public var isLiveness: Bool {
    if case .leadsTo = kind { true } else { false }
  }
}
