import SpecLanguage

/// What of an abstract spec's state steps are about, as bits of a word: every cell but the ghosts'.
public typealias AbstractState = UInt64

/// A `Refines` at a scope: the abstract spec as a program, and how states map to its states.
public struct RefinementMap: Sendable {
  /// One cell of the abstract state.
  struct Field: Sendable {
    let cell: Int
    let shift: Int
    /// Bits; none for a cell with one value.
    let width: Int
    /// The value in the detailed spec that stands for each code of the cell; `nil` where none does.
    let values: [Int?]
    let clause: MapClause
    let term: Term
    /// The registers of the clause's keys with the indices of the cell.
    let keys: [(register: Int, index: Int, count: Int)]
    let registers: Int
  }

  public let property: Property
  public let abstract: Program
  let program: Program
  let fields: [Field]
  /// What an engine observes of a state is its abstract state: a monitor for each bit, and one more
  /// for states that map to nothing.
  public let monitors: [Monitor]
  /// The bit of a state that maps to nothing: some value is outside its variable's range.
  public let outside: UInt64

  /// Bits that an abstract state may take.
  static var most: Int { 63 }

  /// - Parameter property: a `Refines` of the program's spec.
  /// - Throws: `TDX1xxx` for a mistake in the abstract spec, `TDX2024` when its sizes cannot be
  ///   this program's, `TDX2023` when its state takes more than 63 bits.
  public init(_ program: Program, _ property: Property) throws(SpecError) {
    guard let claim = property.refinement else {
      throw SpecError("TDX2025", "\(property.id) is no refinement", at: property.location)
    }
    let scope = try program.scope(of: claim, for: property)
    let abstract = try Program(claim.abstract, scope, ProgramOptions(fuseReleases: false))
    var fields: [Field] = []
    var bits = 0
    for cell in abstract.cells.indices where !abstract.cells[cell].isGhost {
      let field = try Self.field(cell, bits, abstract, program, claim, property)
      fields.append(field)
      bits += field.width
    }
    guard bits <= Self.most else {
      throw SpecError(
        "TDX2023", "a state of \(abstract.spec.name) takes \(bits) bits; at most \(Self.most)",
        at: property.location, suggestion: "choose a smaller scope")
    }
    self.property = property
    self.program = program
    self.abstract = abstract
    self.fields = fields
    outside = 1 << UInt64(bits)
    let outer = Term.or(fields.filter(\.canBeOutside).map { .not($0.some { _ in true }) })
    let registers = fields.map(\.registers).max() ?? 0
    monitors =
      fields.flatMap(\.bits) + [Monitor(term: outer, registers: registers)]
  }

  private static func field(
    _ cell: Int, _ shift: Int, _ abstract: Program, _ program: Program, _ claim: RefinementClaim,
    _ property: Property
  ) throws(SpecError) -> Field {
    let info = abstract.cells[cell]
    guard case .variable(let declaration, let indices, let member) = abstract.meaning(of: cell),
      let clause = claim.maps.first(where: { $0.variable == declaration.id })
    else {
      throw SpecError("TDX1131", "\(info.name) is not mapped", at: property.location)
    }
    var resolver = program.resolver
    var term = try resolver.resolve(clause.value)
    if let member { term = .contains(set: term, element: .const(member)) }
    var keys: [(register: Int, index: Int, count: Int)] = []
    for (key, index) in zip(clause.keys, indices) {
      let count = try abstract.scope.span(of: key.type).count
      keys.append((resolver.register(.bound(key)), index, count))
    }
    var count = info.count
    if case .outcome = info.type { count = abstract.outcomes.count }
    let values = (0..<count).map { code in
      abstract.translated(code + info.low, of: info.type, to: program)
    }
    return Field(
      cell: cell, shift: shift, width: StateLayout.width(of: count), values: values,
      clause: clause, term: term, keys: keys, registers: resolver.registerCount)
  }

  // MARK: Abstract states

  /// The abstract state that a state maps to, by the interpreter.
  ///
  /// - Throws: `TDX3005` when a value is outside its variable's range.
  public func state(of cells: [Int]) throws(SpecError) -> AbstractState {
    var result: AbstractState = 0
    for field in fields {
      var environment = Environment(program, cells, thread: 0, registers: field.registers)
      for key in field.keys { environment.registers[key.register] = key.index }
      let value = try environment.value(of: field.term)
      guard let code = field.values.firstIndex(of: value) else {
        throw SpecError(
          "TDX3005",
          """
          the map gives \(abstract.cells[field.cell].name) of \(abstract.spec.name) the value \
          \(program.text(of: value, abstract.cells[field.cell].type)), which it cannot have
          """, at: field.clause.location)
      }
      result |= UInt64(code) << UInt64(field.shift)
    }
    return result
  }

  /// The abstract spec's initial state.
  public var initial: AbstractState { state(ofAbstract: abstract.initial) }

  /// The same without ghosts.
  func state(ofAbstract cells: [Int]) -> AbstractState {
    fields.reduce(0) { $0 | UInt64(cells[$1.cell]) << UInt64($1.shift) }
  }

  /// A state of the abstract spec, whose ghosts are as at first.
  func cells(of state: AbstractState) -> [Int] {
    var cells = abstract.initial
    for field in fields {
      cells[field.cell] = Int(truncatingIfNeeded: state >> UInt64(field.shift) & field.low)
    }
    return cells
  }

  /// Cells and their values, in the abstract spec's words.
  func text(of state: AbstractState) -> [NamedValue] {
    let cells = cells(of: state)
    return fields.map {
      NamedValue(
        name: abstract.cells[$0.cell].name, value: abstract.value(of: $0.cell, in: cells))
    }
  }
}

/// A cell with its value, in a spec's words.
public struct NamedValue: Hashable, Sendable {
  public let name: String
  public let value: String
}

extension RefinementMap.Field {
  var low: UInt64 { (1 << UInt64(width)) - 1 }

  /// The types leave no other value to truths, cases and elements.
  fileprivate var canBeOutside: Bool { values.count != 2 || values != [0, 1] }

  /// One monitor for each bit.
  fileprivate var bits: [Monitor] {
    (0..<width).map { bit in
      Monitor(term: some { $0 >> bit & 1 == 1 }, registers: registers)
    }
  }

  /// The cell has one of the codes.
  fileprivate func some(_ codes: (Int) -> Bool) -> Term {
    let chosen = values.indices.filter(codes).compactMap { values[$0] }
    let condition: Term =
      values == [0, 1] && chosen == [1]
      ? term : .or(chosen.map { .equal(term, .const($0)) })
    return keys.reversed().reduce(condition) { body, key in
      .exists(
        register: key.register, count: key.count,
        .and([.equal(.register(key.register), .const(key.index)), body]))
    }
  }
}

extension Program {
  /// The same value in another program, which may number answers differently; `nil` when it does
  /// not know the answer.
  fileprivate func translated(_ value: Int, of type: ValueType, to other: Program) -> Int? {
    switch type {
    case .outcome:
      outcomes.indices.contains(value) ? other.outcomes.firstIndex(of: outcomes[value]) : nil
    case .optional(let wrapped):
      value == 0 ? 0 : translated(value - 1, of: wrapped, to: other).map { $0 + 1 }
    default: value
    }
  }

  /// A value of a type in words; answers are this program's.
  fileprivate func text(of value: Int, _ type: ValueType) -> String {
    if case .outcome = type, outcomes.indices.contains(value) { return outcomes[value].text }
    return Reading.value(value, of: type)
  }
}
