import CZ3
import SpecLanguage
import SpecProgram

/// Decodes a formula over state bits into the spec's names.
struct InvariantReader {
  private let program: Program
  /// The cell and bit of each solver constant, by its text.
  private let places: [String: (cell: Int, bit: Int)]

  init(_ program: Program, _ state: StateBits) {
    self.program = program
    var places: [String: (cell: Int, bit: Int)] = [:]
    for (cell, bits) in state.cells.enumerated() {
      for (bit, expression) in bits.enumerated() { places[expression.text] = (cell, bit) }
    }
    self.places = places
  }

  /// One sentence a conjunct.
  func clauses(of expression: Expression) -> [String] {
    // What cannot be decoded is shown as it came rather than left out.
    guard let formula = formula(of: expression) else { return [expression.text] }
    let parts: [Formula] = if case .and(let parts) = formula { parts } else { [formula] }
    return parts.map(text)
  }

  /// The expression over cells; `nil` when it has a shape that is not known here.
  func formula(of expression: Expression) -> Formula? {
    formula(expression.raw, expression.context)
  }

  private func formula(_ ast: Z3_ast, _ context: SolverContext) -> Formula? {
    let raw = context.raw
    guard Z3_get_ast_kind(raw, ast) == Z3_APP_AST, let app = Z3_to_app(raw, ast),
      let declaration = Z3_get_app_decl(raw, app)
    else { return nil }
    let count = Int(Z3_get_app_num_args(raw, app))
    let parts = (0..<count).compactMap { index in
      Z3_get_app_arg(raw, app, UInt32(index)).flatMap { formula($0, context) }
    }
    guard parts.count == count else { return nil }
    switch Z3_get_decl_kind(raw, declaration) {
    case Z3_OP_TRUE: return .yes
    case Z3_OP_FALSE: return .no
    case Z3_OP_AND: return .conjunction(parts)
    case Z3_OP_OR: return .disjunction(parts)
    case Z3_OP_NOT: return parts.first?.negated
    case Z3_OP_IMPLIES where parts.count == 2:
      return .disjunction([parts[0].negated, parts[1]])
    case Z3_OP_EQ where parts.count == 2, Z3_OP_IFF where parts.count == 2:
      return .disjunction([
        .conjunction(parts), .conjunction(parts.map(\.negated)),
      ])
    default:
      return bit(String(cString: Z3_ast_to_string(raw, ast)))
    }
  }

  /// A bit of a cell: the cell's code is one of those that have it.
  private func bit(_ name: String) -> Formula? {
    guard let place = places[name] else { return nil }
    let count = program.cells[place.cell].count
    let codes = (0..<count).filter { $0 >> place.bit & 1 == 1 }
    return .member(cell: place.cell, ValueSet(count: count, codes))
  }

  private func text(_ formula: Formula) -> String {
    switch formula {
    case .yes: return "true"
    case .no: return "false"
    case .member(let cell, let set):
      let values = set.members.map { code in
        var state = program.initial
        state[cell] = code
        return program.value(of: cell, in: state)
      }
      return "\(program.cells[cell].name) is \(values.joined(separator: " or "))"
    case .and(let parts): return "(\(parts.map(text).joined(separator: " and ")))"
    case .or(let parts): return parts.map(text).joined(separator: ", or ")
    case .compare: return "a comparison"
    }
  }
}
