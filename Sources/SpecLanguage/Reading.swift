/// Plain words for values: what a reviewer reads aloud.
public enum Reading {
  /// A value of a type, in the spec's own words.
  public static func value(_ value: Int, of type: ValueType) -> String {
    switch type {
    case .bool: return value == 0 ? "false" : "true"
    case .enumeration(_, let cases):
      return cases.indices.contains(value) ? cases[value] : "\(value)"
    case .integer, .counter: return "\(value)"
    case .element(let sort): return "\(sort.letter)\(value)"
    case .optional(let wrapped):
      return value == 0 ? "none" : Reading.value(value - 1, of: wrapped)
    case .operand(let classes, let sort):
      return value < classes.count ? classes[value] : "\(sort.letter)\(value - classes.count)"
    case .set(let sort):
      let members = (0..<62).filter { value >> $0 & 1 == 1 }.map { "\(sort.letter)\($0)" }
      return "{\(members.joined(separator: ", "))}"
    case .outcome: return "\(value)"
    }
  }
}
