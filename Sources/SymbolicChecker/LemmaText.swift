import SpecLanguage
import SpecProgram

/// Lemmas in the spec's words.
struct LemmaText {
  private let table: LiteralTable
  private var program: Program { table.program }

  init(_ table: LiteralTable) { self.table = table }

  /// `never: td is none and assoc[v] is l`: for all distinct elements of the sorts.
  func sentence(_ template: LemmaTemplate) -> String {
    var names: [String] = []
    var used: [SortID: Int] = [:]
    for sort in template.variables {
      let count = used[sort] ?? 0
      used[sort] = count + 1
      names.append(sort.letter + String(repeating: "'", count: count))
    }
    func words(_ part: LemmaTemplate.Part) -> String {
      text(part.shape, part.variables.map { $0 < 0 ? "some thread" : names[$0] })
    }
    var result = "never: " + template.never.map(words).joined(separator: " and ")
    if !template.facts.isEmpty { result += ", where " + relations(template, names) }
    if !template.unless.isEmpty {
      result += ", unless " + template.unless.map(words).joined(separator: " or ")
    }
    return result
  }

  private func relations(_ template: LemmaTemplate, _ names: [String]) -> String {
    var parts: [String] = []
    var facts = template.facts[...]
    for constant in table.tables {
      for (a, sort) in template.variables.enumerated() where sort == constant.key {
        for (b, other) in template.variables.enumerated() {
          if other == constant.value, let holds = facts.popFirst() {
            parts.append("\(constant.name)[\(names[a])] is \(holds ? "" : "not ")\(names[b])")
          }
          if other == constant.key, b > a, let holds = facts.popFirst() {
            parts.append(
              "\(constant.name)[\(names[a])] is \(holds ? "" : "not ")"
                + "\(constant.name)[\(names[b])]")
          }
        }
      }
    }
    return parts.joined(separator: " and ")
  }

  private func text(_ number: Int, _ elements: [String]) -> String {
    let shape = table.vocabulary.shapes[number]
    var left = elements[...]
    switch shape.place {
    case .location(let location):
      return "thread \(left.popFirst() ?? "") stands in \(program.placeText(location))"
    case .frame(let location, let register, let isMember):
      let thread = left.popFirst() ?? ""
      let entry = program.remembered(at: location).first { $0.register == register }
      let member = isMember ? left.popFirst().map { " ∋ \($0)" } ?? "" : ""
      let name = (entry?.name ?? "?") + member
      return "thread \(thread) stands in \(program.placeText(location)), with \(name) "
        + "being \(content(shape, entry?.type, isMember, left))"
    case .variable(let id, let indices, let isMember):
      let declaration = program.spec.variables.first { $0.declaration.id == id }?.declaration
      let places = indices.map { $0.map(String.init) ?? left.popFirst() ?? "" }
      let suffix = places.isEmpty ? "" : "[\(places.joined(separator: ","))]"
      let member = isMember ? left.popFirst().map { " ∋ \($0)" } ?? "" : ""
      let name = program.spec.name(of: id) + suffix + member
      return "\(name) is \(content(shape, declaration?.type, isMember, left))"
    }
  }

  private func content(
    _ shape: LemmaShape, _ type: ValueType?, _ isMember: Bool, _ left: ArraySlice<String>
  ) -> String {
    guard case .code(let code) = shape.content else { return left.first ?? "?" }
    switch isMember ? .bool : type {
    case .outcome:
      return program.outcomes.indices.contains(code) ? program.outcomes[code].text : "\(code)"
    case .integer(let range): return "\(code + range.lowerBound)"
    case .optional(.element(.thread)): return "free"
    case let type?: return Reading.value(code, of: type)
    case nil: return "\(code)"
    }
  }
}
