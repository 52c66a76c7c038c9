/// A whole spec in words: what it is made of, and every action and property.
public struct SpecReader {
  private let spec: SpecDescription

  public init(_ spec: SpecDescription) { self.spec = spec }

  public var text: String {
    var out = "\(spec.name): \(spec.summary)\n\nState\n"
    let locks = Set(spec.locks.flatMap { [$0.owner.id] + ($0.readers.map { [$0.id] } ?? []) })
    for variable in spec.variables where !locks.contains(variable.declaration.id) {
      out += "  \(variable.name): \(describe(variable))\n"
    }
    if !spec.locks.isEmpty {
      out += "\nLocks, in the order in which they are taken\n"
      for lock in spec.locks.sorted(by: { ($0.rank ?? .max) < ($1.rank ?? .max) }) {
        let each = lock.each.map { ", one for each \($0.name)" } ?? ""
        let kind = lock.readers == nil ? "mutex" : "reader-writer"
        let rank = lock.rank.map { "rank \($0)" } ?? "only tried, or outside the order"
        out += "  \(lock.name): \(kind)\(each), \(rank)\n"
      }
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

  private func claim(_ property: Property, _ reader: ExpressionReader) -> String {
    if case .leadsTo(let claim) = property.kind { return claim.text(reader) }
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
