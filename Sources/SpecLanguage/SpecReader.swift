/// A whole spec in words: what it is made of, and every action and property.
public struct SpecReader {
  private let spec: SpecDescription

  public init(_ spec: SpecDescription) { self.spec = spec }

  public var text: String {
    var out = "\(spec.name): \(spec.summary)\n\nState\n"
    for line in state { out += "  \(line.name): \(line.text)\n" }
    if !spec.locks.isEmpty {
      out += "\nLocks, in the order in which they are taken\n"
      for line in locks { out += "  \(line.name): \(line.text)\n" }
    }
    for table in spec.tables { out += "\n" + table.text }
    out += "\nActions\n\n"
    let readings = spec.actions.map { ActionReader(spec).text($0) }
    out += readings.joined(separator: "\n")
    out += "\nProperties\n"
    let reader = ExpressionReader(spec)
    for property in spec.properties {
      out += "  \(property.id): \(property.text)\n"
      let claim = claim(property, reader)
      out += "    \(verb(property)) \(claim)\n"
    }
    return out
  }

  /// The variables that are no locks, each with what it holds.
  public var state: [(name: String, text: String)] {
    let locks = Set(spec.locks.flatMap { [$0.owner.id] + ($0.readers.map { [$0.id] } ?? []) })
    return spec.variables.filter { !locks.contains($0.declaration.id) }.map {
      ($0.name, describe($0))
    }
  }

  /// The locks with their kinds, in the order in which they are taken.
  public var locks: [(name: String, text: String)] {
    spec.locks.sorted { ($0.rank ?? .max) < ($1.rank ?? .max) }.map { lock in
      let each = lock.each.map { ", one for each \($0.name)" } ?? ""
      let kind = lock.readers == nil ? "mutex" : "reader-writer"
      let rank = lock.rank.map { "rank \($0)" } ?? "only tried, or outside the order"
      return (lock.name, "\(kind)\(each), \(rank)")
    }
  }

  private func claim(_ property: Property, _ reader: ExpressionReader) -> String {
    if case .leadsTo(let claim) = property.kind { return claim.text(reader) }
    if let claim = property.refinement { return claim.text(reader) }
    guard case .scenario(let calls, _) = property.kind else {
      return reader.condition(property.condition)
    }
    let texts = calls.map { call in
      let values = call.arguments.map { " \($0)" }.joined()
      return "\(call.action)\(values) answers \(call.answer.text)"
    }
    return texts.joined(separator: ", then ")
  }

  private func verb(_ property: Property) -> String {
    switch property.kind {
    case .always: "always:"
    case .possible: "possible:"
    case .leadsTo: "leads to:"
    case .refines: "refines:"
    case .scenario(_, let possible): possible ? "can happen:" : "cannot happen:"
    }
  }

  private func describe(_ variable: NamedVariable) -> String {
    let declaration = variable.declaration
    let indices = declaration.indices.map { typeText($0) }
    let each = indices.isEmpty ? "" : " for each \(indices.joined(separator: " and "))"
    let ghost = declaration.kind == .ghost ? " (history, for properties only)" : ""
    let start = ExpressionReader(spec).text(declaration.initial)
    return "\(typeText(declaration.type))\(each), at first \(start)\(ghost)"
  }

  private func typeText(_ type: ValueType) -> String {
    switch type {
    case .bool: "true or false"
    case .enumeration(_, let cases): cases.joined(separator: " | ")
    case .integer(let range): "\(range.lowerBound)…\(range.upperBound)"
    case .counter(let most): "0…\(most)"
    case .element(let sort): sort.name
    case .operand(let classes, let sort): "\(sort.name) or \(classes.joined(separator: " or "))"
    case .optional(let wrapped): "none or \(typeText(wrapped))"
    case .set(let sort): "set of \(sort.name)"
    case .outcome: "an answer"
    }
  }
}
