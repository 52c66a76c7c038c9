/// How many calls agreed, for each leaf and answer.
public struct ReplayTally: Sendable {
  /// A leaf with one of its answers.
  public struct Cell: Hashable, Sendable, Comparable {
    public let leaf: String
    public let answer: String

    public static func < (left: Cell, right: Cell) -> Bool {
      (left.leaf, left.answer) < (right.leaf, right.answer)
    }
  }

  public struct Count: Hashable, Sendable {
    public var agreed = 0
    public var compared = 0
    /// Too few calls agree, or none was reached.
    public var isWeak: Bool {
      compared == 0 || agreed * 100 < compared * ReplayTally.leastOfCell
    }
    /// In per cent, rounded down to one decimal.
    public var percent: Double { compared == 0 ? 0 : Double(agreed * 1000 / compared) / 10 }
  }

  /// Per cent of the calls of one leaf and answer that must agree.
  public static let leastOfCell = 95
  /// Per mille of all calls that must agree.
  public let perMille: Int

  public private(set) var cells: [Cell: Count] = [:]
  public private(set) var total = Count()
  public package(set) var sequences = 0
  /// Calls after the first disagreement of their sequence.
  public private(set) var notReached = 0

  /// - Parameter perMille: of all calls that must agree.
  public init(perMille: Int = 995) { self.perMille = perMille }

  package mutating func add(_ leaf: String, _ answer: String, agreed: Bool) {
    cells[Cell(leaf: leaf, answer: answer), default: Count()].compared += 1
    total.compared += 1
    guard agreed else { return }
    cells[Cell(leaf: leaf, answer: answer), default: Count()].agreed += 1
    total.agreed += 1
  }

  /// A call after a disagreement: its cell needs a call that is compared.
  package mutating func skip(_ leaf: String, _ answer: String) {
    let cell = Cell(leaf: leaf, answer: answer)
    cells[cell] = cells[cell] ?? Count()
    notReached += 1
  }

  /// Cells of which too few calls agree.
  public var weakCells: [(cell: Cell, count: Count)] {
    cells.filter { $0.value.isWeak }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// Enough calls were compared and agree, over all and in every cell.
  public var isEnough: Bool {
    total.compared > 0 && total.agreed * 1000 >= total.compared * perMille
      && weakCells.isEmpty
  }
}
