/// What a spec's author expects a property's verdict to be.
public enum ExpectedVerdict: String, Hashable, Sendable {
  case violated
  case vacuous
}

/// A verdict that an author expects.
public struct Expectation: Sendable {
  public let verdict: ExpectedVerdict
  public let reason: String
  /// The parameters for which it is expected; all when `nil`.
  public let condition: Node?
  /// Only where the threads of the scope make one of these calls; everywhere when empty.
  public let ifMade: [String]
  /// Only where they make none of these.
  public let unlessMade: [String]
  /// The named scope in which alone it is expected, when which thread makes which call is the
  /// reason; every scope when `nil`.
  public let scope: String?

  init(
    verdict: ExpectedVerdict, reason: String, condition: Node? = nil, ifMade: [String] = [],
    unlessMade: [String] = [], scope: String? = nil
  ) {
    self.verdict = verdict
    self.reason = reason
    self.condition = condition
    self.ifMade = ifMade
    self.unlessMade = unlessMade
    self.scope = scope
  }
}

/// A claim about a spec, with an id that `--property` and the JSON events use.
public struct Property: Sendable {
  public enum Kind: Sendable {
    /// Holds in every reachable state.
    case always(Node)
    /// Holds in some reachable state; `call` and `after` tell where to look when it does not.
    case possible(Node, call: String?, after: Node?)
    /// A sequence of calls, each run to its end by one thread, that can (or cannot) happen with
    /// the answers written.
    case scenario([ScenarioCall], possible: Bool)
    /// Wherever the premise holds, every fair run reaches the conclusion.
    case leadsTo(LeadsToClaim)
    /// Every step is one of an abstract spec, or changes nothing that it sees.
    case refines(RefinementClaim)
  }

  public let id: String
  /// One sentence for people.
  public let text: String
  public let kind: Kind
  public let citations: [String]
  public let location: SourceLocation
  /// What the author expects, where, and why.
  public private(set) var expectations: [Expectation] = []
  /// Made for the sake of proofs.
  public internal(set) var isLemma = false

  init(
    id: String, text: String, kind: Kind, citations: [String], location: SourceLocation
  ) {
    self.id = id
    self.text = text
    self.kind = kind
    self.citations = citations
    self.location = location
  }

  /// Marks a verdict that the author wants; `check --expected` fails when it does not come.
  ///
  /// - Parameters:
  ///   - when: a condition on parameters and nothing else.
  ///   - ifMade: calls, by the actions' names; the verdict is wanted only where the threads of the
  ///     scope make one of them.
  ///   - unlessMade: the same, only where they make none of them.
  ///   - scope: the named scope in which alone it is wanted.
  public func expect(
    _ verdict: ExpectedVerdict, when: Condition? = nil, ifMade: [String] = [],
    unlessMade: [String] = [], at scope: String? = nil, because reason: String
  ) -> Property {
    var copy = self
    copy.expectations.append(
      Expectation(
        verdict: verdict, reason: reason, condition: when?.node, ifMade: ifMade,
        unlessMade: unlessMade, scope: scope))
    return copy
  }

  /// The property with those of its expectations that are left at a scope.
  public func settled(_ expectations: [Expectation]) -> Property {
    var copy = self
    copy.expectations = expectations
    return copy
  }

  /// The verdict that is wanted; `nil` when the claim is to hold.
  public var expected: ExpectedVerdict? { expectations.first?.verdict }
  public var expectedReason: String? { expectations.first?.reason }
}

/// The condition holds in every reachable state.
public func Always(
  _ id: String, _ text: String, cites citations: String...,
  file: String = #fileID, line: Int = #line, @ConditionBuilder _ condition: () -> Condition
) -> Property {
  Property(
    id: id, text: text, kind: .always(condition().node), citations: citations,
    location: SourceLocation(file: file, line: line))
}

/// The condition holds in no reachable state.
public func Forbidden(
  _ id: String, _ text: String, cites citations: String...,
  file: String = #fileID, line: Int = #line, @ConditionBuilder _ condition: () -> Condition
) -> Property {
  Property(
    id: id, text: text, kind: .always(.not(condition().node)), citations: citations,
    location: SourceLocation(file: file, line: line))
}

/// The condition holds in some reachable state.
///
/// - Parameters:
///   - call: the call the question is about; when the answer is no, its refusals are named.
///   - after: the states that count for that; all of them by default.
public func Possible(
  _ id: String, _ text: String, call: String? = nil, after: Condition? = nil,
  cites citations: String..., file: String = #fileID, line: Int = #line,
  @ConditionBuilder _ condition: () -> Condition
) -> Property {
  Property(
    id: id, text: text, kind: .possible(condition().node, call: call, after: after?.node),
    citations: citations, location: SourceLocation(file: file, line: line))
}

/// The same claim as `Always`, made for the sake of proofs; it is checked like any other.
public func Lemma(
  _ id: String, _ text: String, cites citations: String...,
  file: String = #fileID, line: Int = #line, @ConditionBuilder _ condition: () -> Condition
) -> Property {
  var property = Property(
    id: id, text: text, kind: .always(condition().node), citations: citations,
    location: SourceLocation(file: file, line: line))
  property.isLemma = true
  return property
}

extension Property {
  /// The id of the property that every spec with threads has: no deadlock.
  public static let noDeadlockID = "no-deadlock"

  /// A property that the tool adds to every spec with threads.
  public static func builtIn(_ id: String, _ text: String) -> Property {
    Property(
      id: id, text: text, kind: .always(.yes), citations: [],
      location: SourceLocation(file: "built-in", line: 0))
  }
}

extension Property {
  /// The condition, whatever is claimed of it; everything that a `LeadsTo` or a
  /// `Refines` mentions.
  public var condition: Node {
    switch kind {
    case .always(let condition), .possible(let condition, _, _): condition
    case .leadsTo(let claim): claim.mentioned
    case .refines(let claim): claim.mentioned
    case .scenario: .yes
    }
  }
}
