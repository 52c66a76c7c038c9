import SpecLanguage

extension Resolver {
  /// A remainder becomes a table over the values that the number can have, which every evaluator
  /// knows.
  mutating func remainder(_ node: Node, _ divisor: Int) throws(SpecError) -> Term {
    guard divisor > 0, let range = range(of: node), range.lowerBound >= 0,
      range.count <= Comparer.affordable
    else {
      throw SpecError(
        "TDX1011", "a remainder of a number without a small range from 0 on",
        suggestion: "declare the variable with in: 0...n or upTo: a parameter")
    }
    return .table((0...range.upperBound).map { $0 % divisor }, try resolve(node))
  }

  /// The values that a number can have, where its declaration tells.
  private func range(of node: Node) -> ClosedRange<Int>? {
    switch node {
    case .literal(let value, .integer): return value...value
    case .parameter(let name): return scope.value(of: name).map { $0...$0 }
    case .read(let id, _):
      let declaration = spec.variables.first { $0.declaration.id == id }?.declaration
      return declaration.flatMap { range(of: $0.type) }
    case .bound(let bound): return range(of: bound.type)
    case .local(let local): return range(of: local.type)
    case .constant(let id, _):
      return spec.constants.first { $0.id == id }.flatMap { range(of: $0.value) }
    case .add(let a, let b):
      guard let a = range(of: a), let b = range(of: b) else { return nil }
      return a.lowerBound + b.lowerBound...a.upperBound + b.upperBound
    case .subtract(let a, let b):
      // A result below 0 is an error where it is evaluated.
      guard let a = range(of: a), let b = range(of: b) else { return nil }
      return 0...max(0, a.upperBound - b.lowerBound)
    case .conditional(_, let a, let b):
      guard let a = range(of: a), let b = range(of: b) else { return nil }
      return min(a.lowerBound, b.lowerBound)...max(a.upperBound, b.upperBound)
    default: return nil
    }
  }

  private func range(of type: ValueType) -> ClosedRange<Int>? {
    guard let span = try? scope.span(of: type) else { return nil }
    return span.low...span.low + span.count - 1
  }
}
