import SpecLanguage
import SpecProgram

/// The rows of some variables as bits: which of them a call begins in.
final class RowBits<E: Engine> {
  private let graph: ExploredGraph<E>
  private let state: PageArray<UInt64>
  /// By bit.
  private let all: [StateRow]
  /// For each kind of transition: the fields to look at if a call begins with it, and the bit of
  /// code 0. A called action has no arguments of its own.
  private var looks: [[(field: BitField, first: Int)]]

  /// As few groups as there can be of at most 64 rows each, in the order of the variables.
  static func groups(_ graph: ExploredGraph<E>, _ variables: [NamedVariable]) -> [RowBits<E>] {
    var groups: [[Int]] = [[]]
    var used = 0
    for (index, variable) in variables.enumerated() {
      let count = variable.codeCount(in: graph.program)
      guard count <= 64 else { continue }
      if used + count > 64 {
        groups.append([])
        used = 0
      }
      groups[groups.count - 1].append(index)
      used += count
    }
    return groups.compactMap { try? RowBits(graph, variables, $0) }
  }

  private init(
    _ graph: ExploredGraph<E>, _ variables: [NamedVariable], _ chosen: [Int]
  ) throws(StoreError) {
    self.graph = graph
    state = try PageArray(minimumCapacity: graph.engine.layout.words)
    var all: [StateRow] = []
    var looks = graph.kinds.map { _ in [(field: BitField, first: Int)]() }
    for index in chosen {
      let first = all.count
      let variable = variables[index]
      for code in 0..<variable.codeCount(in: graph.program) {
        all.append(StateRow(variable: index, code: code))
      }
      for (number, kind) in graph.kinds.enumerated() {
        let subject = graph.program.subject(
          of: variable, in: kind.procedure, arguments: kind.arguments)
        for cell in subject?.cells ?? [] {
          looks[number].append((graph.engine.layout.fields[cell], first))
        }
      }
    }
    self.all = all
    self.looks = looks
  }

  func bit(_ row: StateRow) -> Int? { all.firstIndex(of: row) }

  func rows(_ mask: UInt64) -> [StateRow] {
    all.indices.filter { mask >> UInt64($0) & 1 == 1 }.map { all[$0] }
  }

  /// Makes a state the one that `mask` looks at.
  func enter(_ id: Int) { graph.load(id, into: state.base) }

  /// The rows that a call begins in when it begins with a transition of this kind.
  func mask(_ kind: Int) -> UInt64 {
    looks[kind].reduce(0) { mask, look in
      let code = state.base[look.field.word] >> UInt64(look.field.shift) & look.field.low
      return mask | 1 << (UInt64(look.first) + code)
    }
  }
}

extension NamedVariable {
  /// How many values one cell of it takes; 65 for one that has no rows.
  func codeCount(in program: Program) -> Int {
    let cell = program.cells.first { $0.role == .variable(declaration.id) }
    guard let cell, !cell.isMember else { return 65 }
    return cell.count
  }
}
