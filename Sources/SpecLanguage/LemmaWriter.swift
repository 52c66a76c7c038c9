/// Writes a condition as a spec's author would: Swift, in the names of the spec's variables.
///
/// A variable's name is that of its property unless its author gave it another with `as:`; one of
/// a part of the spec needs the part in front. It writes what derived lemmas are made of: reads,
/// comparisons with constants and elements, membership, connectives and quantifiers.
public struct LemmaWriter {
  private let names: [VariableID: String]
  private let constants: [ConstantID: String]
  private var bound: [BoundID: String] = [:]

  public init(_ spec: SpecDescription) {
    names = Dictionary(
      spec.variables.map { ($0.declaration.id, $0.name) }, uniquingKeysWith: { a, _ in a })
    constants = Dictionary(
      spec.constants.map { ($0.id, $0.name) }, uniquingKeysWith: { a, _ in a })
  }

  /// `Lemma("id", "text") { … }`, or `nil` when something in it has no spelling here.
  public func lemma(_ id: String, _ text: String, _ condition: Node) -> String? {
    var writer = self
    guard let body = writer.text(condition, 0) else { return nil }
    return "Lemma(\"\(id)\", \"\(text)\") { \(body) }"
  }

  /// Binding strength: 0 outermost, 1 implication, 2 or, 3 and, 4 anything tighter.
  private mutating func text(_ node: Node, _ outer: Int) -> String? {
    switch node {
    case .literal(let value, let type): return literal(value, type)
    case .some(let inner): return text(inner, 4)
    case .bound(let id): return bound[id]
    case .read(let id, let indices):
      guard let name = names[id], Self.isIdentifier(name) else { return nil }
      guard let list = each(indices, 0) else { return nil }
      return indices.isEmpty ? name : "\(name)[\(list.joined(separator: ", "))]"
    case .constant(let id, let key):
      guard let name = constants[id], let key = text(key, 0) else { return nil }
      return "\(name)[\(key)]"
    case .not(.equal(let a, let b)): return pair(a, "!=", b, 4, 4)
    case .not(let inner): return text(inner, 5).map { "!\($0)" }
    case .equal(let a, let b): return pair(a, "==", b, 4, outer)
    case .contains(let set, let element):
      guard let set = text(set, 4), let element = text(element, 0) else { return nil }
      return "\(set).contains(\(element))"
    case .and(let parts): return joined(parts, " && ", 3, outer)
    case .or(let parts): return alternatives(parts, outer)
    case .implies(let a, let b):
      guard let left = text(a, 2), let right = text(b, 1) else { return nil }
      return outer > 1 ? "(\(left) ==> \(right))" : "\(left) ==> \(right)"
    case .forAll(let id, let body): return quantified("forAll", id, body)
    case .exists(let id, let body): return quantified("exists", id, body)
    default: return nil
    }
  }

  private mutating func each(_ nodes: [Node], _ outer: Int) -> [String]? {
    var result: [String] = []
    for node in nodes {
      guard let one = text(node, outer) else { return nil }
      result.append(one)
    }
    return result
  }

  private mutating func pair(
    _ a: Node, _ sign: String, _ b: Node, _ strength: Int, _ outer: Int
  ) -> String? {
    guard let left = text(a, 5), let right = text(b, 5) else { return nil }
    return outer > strength ? "(\(left) \(sign) \(right))" : "\(left) \(sign) \(right)"
  }

  private mutating func joined(
    _ parts: [Node], _ word: String, _ strength: Int, _ outer: Int
  ) -> String? {
    guard let list = each(parts, strength + 1) else { return nil }
    let all = list.joined(separator: word)
    return outer > strength ? "(\(all))" : all
  }

  /// `td.in(.created, .runnable)` where neighbours compare the same thing with constants.
  private mutating func alternatives(_ parts: [Node], _ outer: Int) -> String? {
    var groups: [[Node]] = []
    for part in parts {
      if case .equal(let subject, .literal) = part,
        case .equal(subject, .literal)? = groups.last?.first
      {
        groups[groups.count - 1].append(part)
      } else {
        groups.append([part])
      }
    }
    var list: [String] = []
    for group in groups {
      if group.count == 1 {
        guard let one = text(group[0], groups.count == 1 ? outer : 3) else { return nil }
        list.append(one)
        continue
      }
      var subject: String?
      var values: [String] = []
      for case .equal(let left, let right) in group {
        guard let name = text(left, 5), let value = text(right, 5) else { return nil }
        subject = name
        values.append(value)
      }
      guard let subject else { return nil }
      list.append("\(subject).in(\(values.joined(separator: ", ")))")
    }
    let all = list.joined(separator: " || ")
    return outer > 2 && list.count > 1 ? "(\(all))" : all
  }

  private mutating func quantified(_ word: String, _ id: BoundID, _ body: Node) -> String? {
    guard case .element(let sort) = id.type else { return nil }
    var name = sort.letter
    var number = 1
    while bound.values.contains(name) || names.values.contains(name) {
      number += 1
      name = "\(sort.letter)\(number)"
    }
    bound[id] = name
    defer { bound[id] = nil }
    guard let inner = text(body, 0) else { return nil }
    return "\(word)(\(sort.name).self) { \(name) in \(inner) }"
  }

  private func literal(_ value: Int, _ type: ValueType) -> String? {
    switch type {
    case .bool: return value == 0 ? "false" : "true"
    case .integer, .counter: return "\(value)"
    case .enumeration(_, let cases):
      return cases.indices.contains(value) ? ".\(cases[value])" : nil
    case .optional: return value == 0 ? "nil" : nil
    case .element, .operand, .set, .outcome: return nil
    }
  }

  static func isIdentifier(_ name: String) -> Bool {
    name.first?.isNumber == false && name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
  }
}
