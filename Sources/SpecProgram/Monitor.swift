import SpecLanguage

/// A condition to be evaluated on every new state.
public struct Monitor: Hashable, Sendable {
  let term: Term
  let registers: Int

  /// Where a property is decided: an `Always` fails, a `Possible` is reached.
  public static func decisive(_ property: ResolvedProperty) -> Monitor {
    if case .always = property.property.kind {
      return Monitor(term: .not(property.term), registers: property.registerCount)
    }
    return Monitor(term: property.term, registers: property.registerCount)
  }

  /// Where a property's premise holds; `nil` when it has none.
  public static func premise(_ property: ResolvedProperty) -> Monitor? {
    property.premise.map { Monitor(term: $0, registers: property.registerCount) }
  }

  /// The states that count for a refused `Possible`; `nil` when all do.
  public static func after(_ property: ResolvedProperty) -> Monitor? {
    property.after.map { Monitor(term: $0, registers: property.registerCount) }
  }
}
