import SpecLanguage
import SpecProgram

/// What a condition on one place says, without the elements it is about.
///
/// It means the same at every scope of a spec, so that a lemma found at a small one can be tried at
/// a larger one.
struct LemmaShape: Hashable {
  enum Place: Hashable {
    /// A variable's place; an index that is an element is `nil`.
    case variable(VariableID, [Int?], isMember: Bool)
    /// A thread stands at a location.
    case location(Int)
    /// A thread stands at a location and remembers something.
    case frame(location: Int, register: Int, isMember: Bool)
  }
  enum Content: Hashable {
    /// The place has this code.
    case code(Int)
    /// The place has an element, named among the literal's elements.
    case element
  }

  let place: Place
  let content: Content
  /// The sorts of the elements that a literal of this shape is about, in order: the thread, the
  /// indices, the member, the content.
  let sorts: [SortID]
}

/// A condition on one place of a state at a scope.
struct LemmaLiteral {
  /// Which of the vocabulary's shapes.
  let shape: Int
  /// Numbers of elements, one for each sort of the shape.
  let elements: [Int]
  /// The cells and their codes; all must agree.
  let atoms: [LemmaAtom]
}

/// A cell has a code.
struct LemmaAtom: Hashable {
  let cell: Int
  let code: Int
}

/// The shapes in use, numbered; shared by the scopes of one search.
final class LemmaVocabulary {
  private(set) var shapes: [LemmaShape] = []
  private var numbers: [LemmaShape: Int] = [:]

  func number(of shape: LemmaShape) -> Int {
    if let known = numbers[shape] { return known }
    numbers[shape] = shapes.count
    shapes.append(shape)
    return shapes.count - 1
  }
}

/// The literals of a program at a scope.
struct LiteralTable {
  struct Key: Hashable {
    let shape: Int
    let elements: [Int]
  }

  let program: Program
  let vocabulary: LemmaVocabulary
  private(set) var literals: [LemmaLiteral] = []
  private(set) var index: [Key: Int] = [:]
  /// How many elements there are of each sort.
  private(set) var sizes: [SortID: Int] = [:]
  let tables: [(name: String, key: SortID, value: SortID, values: [Int])]

  /// Cells with more values than this are left to the claims.
  static let mostCodes = 70

  init(_ program: Program, _ vocabulary: LemmaVocabulary) {
    self.program = program
    self.vocabulary = vocabulary
    tables = program.elementTables
    for cell in program.cells.indices {
      if case .variable(let declaration, let indices, let member) = program.meaning(of: cell),
        program.cells[cell].count <= Self.mostCodes
      {
        addVariable(cell, declaration, indices, member)
      }
    }
    for thread in program.threadCells.indices {
      for location in 0..<program.locationCount { addPlace(thread, location) }
    }
    for literal in literals { note(literal) }
  }

  private mutating func note(_ literal: LemmaLiteral) {
    for (sort, element) in zip(vocabulary.shapes[literal.shape].sorts, literal.elements) {
      sizes[sort] = max(sizes[sort] ?? 0, element + 1)
    }
  }

  private mutating func add(
    _ place: LemmaShape.Place, _ content: LemmaShape.Content,
    _ elements: [(sort: SortID, number: Int)], _ atoms: [LemmaAtom]
  ) {
    // Threads of one role are the role's elements.
    let named = elements.map { element in
      guard element.sort == .thread, program.threadCells.indices.contains(element.number)
      else { return element }
      let thread = program.threadCells[element.number]
      return (thread.role, thread.number)
    }
    let shape = vocabulary.number(
      of: LemmaShape(place: place, content: content, sorts: named.map(\.sort)))
    let numbers = named.map(\.number)
    index[Key(shape: shape, elements: numbers)] = literals.count
    literals.append(LemmaLiteral(shape: shape, elements: numbers, atoms: atoms))
  }

  private mutating func addVariable(
    _ cell: Int, _ declaration: VariableDeclaration, _ indices: [Int], _ member: Int?
  ) {
    var elements: [(sort: SortID, number: Int)] = []
    var fixed: [Int?] = []
    for (type, index) in zip(declaration.indices, indices) {
      if case .element(let sort) = type {
        elements.append((sort, index))
        fixed.append(nil)
      } else {
        fixed.append(index)
      }
    }
    if let member, case .set(let sort) = declaration.type { elements.append((sort, member)) }
    let place = LemmaShape.Place.variable(declaration.id, fixed, isMember: member != nil)
    let type = member == nil ? declaration.type : .bool
    for code in 0..<program.cells[cell].count {
      let (content, more) = Self.content(code, type)
      add(place, content, elements + more, [LemmaAtom(cell: cell, code: code)])
    }
  }

  private mutating func addPlace(_ thread: Int, _ location: Int) {
    let cells = program.threadCells[thread]
    if let role = program.role(at: location), role != cells.role { return }
    let here = LemmaAtom(cell: cells.location, code: location)
    let me = (sort: cells.role, number: cells.number)
    add(.location(location), .code(0), [me], [here])
    for entry in program.remembered(at: location) where entry.count <= Self.mostCodes {
      for position in 0..<(entry.setCount ?? 1) {
        var elements = [me]
        var type = entry.type
        if case .set(let sort) = entry.type {
          elements.append((sort, position))
          type = .bool
        }
        let place = LemmaShape.Place.frame(
          location: location, register: entry.register, isMember: entry.setCount != nil)
        for code in 0..<entry.count {
          let (content, more) = Self.content(code, type)
          let cell = cells.frame + entry.offset + position
          add(place, content, elements + more, [here, LemmaAtom(cell: cell, code: code)])
        }
      }
    }
  }

  private static func content(
    _ code: Int, _ type: ValueType
  ) -> (LemmaShape.Content, [(sort: SortID, number: Int)]) {
    switch type {
    case .element(let sort): (.element, [(sort, code)])
    case .optional(.element(let sort)) where code > 0: (.element, [(sort, code - 1)])
    default: (.code(code), [])
    }
  }
}
