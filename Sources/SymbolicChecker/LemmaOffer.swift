import SpecLanguage
import SpecProgram

/// An invariant as lemmas that can be pasted into a spec.
public struct LemmaOffer: Sendable {
  /// A clause: what to paste, and what that means.
  public struct Lemma: Sendable {
    public let swift: String
    public let property: Property
  }

  public let lemmas: [Lemma]
  /// The clauses that the language has no words for, with the reason.
  public let leftOut: [String]
  /// Whether the lemmas and the claim were proved together by 1-induction at this scope.
  public internal(set) var isProof = false
}

/// Makes lemmas of clauses over cells.
///
/// A spec cannot name an element, so a clause about `p0` is claimed of every page; one about `p0`
/// and `p1` of every two different ones; and where a `Constant` tells elements apart, of those
/// alone for which it does so in the same way.
struct LemmaMaker {
  private let program: Program
  private let writer: LemmaWriter

  init(_ program: Program) {
    self.program = program
    writer = LemmaWriter(program.spec)
  }

  func offer(_ clauses: [Formula], _ texts: [String], for id: String) -> LemmaOffer {
    var lemmas: [LemmaOffer.Lemma] = []
    var leftOut: [String] = []
    var seen: Set<String> = []
    for (clause, text) in zip(clauses, texts) {
      var names = Names(program)
      let name = "\(id)-\(lemmas.count + 1)"
      guard let body = names.node(clause) else {
        leftOut.append("\(text): no expression of the language reads it")
        continue
      }
      let node = names.closed(body)
      guard let condition = writer.lemma("", "", node) else {
        leftOut.append("\(text): a name in it is no Swift name")
        continue
      }
      // Clauses that differ in elements alone are one lemma.
      guard seen.insert(condition).inserted else { continue }
      let swift = writer.lemma(name, "keeps \(id) inductive", node) ?? ""
      lemmas.append(
        .init(swift: swift, property: .lemma(name, "keeps \(id) inductive", node)))
    }
    return LemmaOffer(lemmas: lemmas, leftOut: leftOut)
  }
}

/// The elements that a clause mentions, each with the name that stands for it.
private struct Names {
  struct Element: Hashable {
    let sort: SortID
    let number: Int
  }

  let program: Program
  var order: [Element] = []

  init(_ program: Program) { self.program = program }

  private mutating func bound(_ sort: SortID, _ number: Int) -> Node {
    let element = Element(sort: sort, number: number)
    if !order.contains(element) { order.append(element) }
    return name(element)
  }

  private func name(_ element: Element) -> Node { .bound(id(element)) }

  private func id(_ element: Element) -> BoundID {
    // Any number does that no other name in the lemma has.
    let place = order.firstIndex(of: element) ?? 0
    return BoundID(raw: -1_000_000 - place, type: .element(element.sort))
  }

  // MARK: Clauses

  mutating func node(_ formula: Formula) -> Node? {
    switch formula {
    case .yes: return .yes
    case .no: return .no
    case .member(let cell, let set): return member(cell, set)
    case .and(let parts): return all(parts).map(Node.and)
    case .or(let parts):
      // In one order, so that clauses that differ in it are seen to be the same.
      return all(parts.sorted { firstCell($0) < firstCell($1) }).map(Node.or)
    case .compare: return nil
    }
  }

  private func firstCell(_ formula: Formula) -> Int {
    switch formula {
    case .member(let cell, _): cell
    case .and(let parts), .or(let parts): parts.map(firstCell).min() ?? 0
    case .yes, .no, .compare: 0
    }
  }

  private mutating func all(_ parts: [Formula]) -> [Node]? {
    var nodes: [Node] = []
    for part in parts {
      guard let one = node(part) else { return nil }
      nodes.append(one)
    }
    return nodes
  }

  private mutating func member(_ cell: Int, _ set: ValueSet) -> Node? {
    let info = program.cells[cell]
    guard let read = read(cell) else { return nil }
    if info.type == .bool { return set.contains(1) ? read : .not(read) }
    let isPositive = set.members.count * 2 <= set.count
    var parts: [Node] = []
    for code in isPositive ? set.members : set.complement.members {
      guard let value = value(code + info.low, info.type) else { return nil }
      parts.append(.equal(read, value))
    }
    if isPositive { return parts.count == 1 ? parts[0] : .or(parts) }
    let others = parts.map(Node.not)
    return others.count == 1 ? others[0] : .and(others)
  }

  private mutating func value(_ value: Int, _ type: ValueType) -> Node? {
    switch type {
    case .enumeration: return .literal(value, type)
    case .integer, .counter: return .literal(value, .integer(value...value))
    case .element(let sort): return bound(sort, value)
    case .optional(let inner):
      return value == 0 ? .literal(0, type) : self.value(value - 1, inner).map(Node.some)
    case .bool, .operand, .set, .outcome: return nil
    }
  }

  /// The variable's cell, with its elements as names.
  private mutating func read(_ cell: Int) -> Node? {
    guard case .variable(let id) = program.cells[cell].role,
      let variable = program.spec.variables.first(where: { $0.declaration.id == id }),
      let base = program.cells.firstIndex(where: { $0.role == .variable(id) })
    else { return nil }
    if case .lock = variable.declaration.kind { return nil }
    var types = variable.declaration.indices
    if case .set(let sort) = variable.declaration.type { types.append(.element(sort)) }
    var rest = cell - base
    var numbers: [Int] = []
    for type in types.reversed() {
      guard let count = count(type) else { return nil }
      numbers.insert(rest % count, at: 0)
      rest /= count
    }
    var indices: [Node] = []
    for (type, number) in zip(types, numbers) {
      guard case .element(let sort) = type else { return nil }
      indices.append(bound(sort, number))
    }
    guard case .set = variable.declaration.type, let element = indices.popLast() else {
      return .read(id, indices)
    }
    return .contains(set: .read(id, indices), element: element)
  }

  private func count(_ type: ValueType) -> Int? {
    if case .element(let sort) = type { try? program.scope.size(of: sort) } else { nil }
  }

  // MARK: Every element

  /// The clause for all elements that stand to each other as these do.
  func closed(_ body: Node) -> Node {
    let premises = different + constants
    var node = body
    if premises.count == 1 { node = .implies(premises[0], body) }
    if premises.count > 1 { node = .implies(.and(premises), body) }
    return order.reversed().reduce(node) { .forAll(id($1), $0) }
  }

  private var different: [Node] {
    pairs.filter { $0.0.sort == $0.1.sort }.map { .not(.equal(name($0.0), name($0.1))) }
  }

  private var pairs: [(Element, Element)] {
    order.indices.flatMap { index in order[(index + 1)...].map { (order[index], $0) } }
  }

  private var constants: [Node] {
    program.spec.constants.flatMap { constant -> [Node] in
      guard case .element(let keys) = ValueType.element(constant.key),
        case .element(let sort) = constant.value,
        let count = count(constant.value), count > 1
      else { return [] }
      let own = order.filter { $0.sort == keys }
      func value(_ element: Element) -> Int {
        constant.table(element.number, program.scope.sizes(values: count))
      }
      func read(_ element: Element) -> Node { .constant(constant.id, name(element)) }
      let known = own.flatMap { key in
        order.filter { $0.sort == sort }.map { element -> Node in
          let same = Node.equal(read(key), name(element))
          return value(key) == element.number ? same : .not(same)
        }
      }
      let related = pairs.filter { $0.0.sort == keys && $0.1.sort == keys }.map { a, b -> Node in
        let same = Node.equal(read(a), read(b))
        return value(a) == value(b) ? same : .not(same)
      }
      return known + related
    }
  }
}

extension Prover {
  /// The invariant as lemmas, and whether they prove the claim.
  func offer(
    _ clauses: [Formula], _ texts: [String], for property: ResolvedProperty
  ) throws(SolverError) -> LemmaOffer {
    var offer = LemmaMaker(program).offer(clauses, texts, for: property.property.id)
    guard let lemmas = resolve(offer.lemmas.map(\.property)), !lemmas.isEmpty else { return offer }
    let own = (lemmas + [property]).map { Candidate($0, encoder) }
    let found = try largestInductiveSet(own, "offer-\(property.property.id)")
    offer.isProof = found.kept.count == own.count
    return offer
  }

  /// Conditions over this program's variables, as its own properties are.
  func resolve(_ properties: [Property]) -> [ResolvedProperty]? {
    let spec = SpecDescription(program.spec, properties: program.spec.properties + properties)
    guard let larger = try? Program(spec, program.scope), larger.initial == program.initial else {
      return nil
    }
    return larger.properties.filter { candidate in
      properties.contains { $0.id == candidate.property.id }
    }
  }
}
