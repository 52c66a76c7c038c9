import SpecLanguage
import SpecProgram

/// Where a thread's next step can be taken first without losing a verdict: the persistent sets of
/// partial-order reduction, found once for each thread and location.
///
/// A thread's steps at a location are *movers* when no step that another thread can take before
/// them reads or writes what they write, or writes what they read; and when no watched condition
/// can tell. A step that needs a lock which excludes one that the mover's thread holds cannot come
/// before. Neither a call's first step nor the look at whether to `Repeat` is a mover, so no cycle
/// of states consists of movers alone: nothing is put off for ever.
public struct Movers: Sendable {
  /// For each thread and location.
  private let isMover: [[Bool]]

  /// Finds the movers. O(rules × rules that touch the same cells).
  ///
  /// - Parameter monitors: the conditions that a search watches.
  public init(_ ground: GroundProgram, monitors: [Monitor]) {
    let program = ground.program
    let finder = MoverFinder(ground, monitors)
    var result: [[Bool]] = []
    for thread in 0..<program.threadCount {
      result.append(
        (0..<program.locationCount).map {
          $0 != 0 && !program.repeats(at: $0) && finder.isMover(thread, $0)
        })
    }
    isMover = result
  }

  /// For tests: what others would have found.
  init(_ isMover: [[Bool]]) { self.isMover = isMover }

  func holds(_ thread: Int, _ location: Int) -> Bool { isMover[thread][location] }

  /// How many of all threads' locations there are.
  public var count: Int { isMover.reduce(0) { $0 + $1.count { $0 } } }

  public var isTrivial: Bool { count == 0 }
}

/// Which cells a rule depends on and which it changes.
private struct Footprint {
  let rule: GroundRule
  /// Cells in the guard and in the values that are written.
  let reads: Set<Int>
  let writes: [Int: Value]

  init(_ rule: GroundRule) {
    self.rule = rule
    var reads: Set<Int> = []
    rule.guardFormula.collectCells(into: &reads)
    var writes: [Int: Value] = [:]
    for (cell, value) in rule.writes {
      value.collectCells(into: &reads)
      writes[cell] = value
    }
    self.reads = reads
    self.writes = writes
  }
}

private struct MoverFinder {
  private let program: Program
  private let prints: [Footprint]
  /// The rules of each thread and location.
  private var blocks: [[Int]: [Int]] = [:]
  /// The rules that read or write a cell.
  private var touching: [Int: [Int]] = [:]
  private let watched: [Formula]

  init(_ ground: GroundProgram, _ monitors: [Monitor]) {
    program = ground.program
    prints = ground.rules.map(Footprint.init)
    watched = monitors.map { ground.formula(of: $0) }
    for (index, print) in prints.enumerated() {
      if let thread = print.rule.label.thread {
        blocks[[thread, print.rule.label.source], default: []].append(index)
      }
      for cell in print.reads.union(print.writes.keys) { touching[cell, default: []].append(index) }
    }
  }

  func isMover(_ thread: Int, _ location: Int) -> Bool {
    guard let block = blocks[[thread, location]], !block.isEmpty else { return false }
    return block.allSatisfy { index in
      prints[index].rule.fault == nil && isInvisible(prints[index]) && !isDisturbed(prints[index])
    }
  }

  /// No watched condition changes with the step.
  private func isInvisible(_ print: Footprint) -> Bool {
    print.writes.allSatisfy { cell, value in
      watched.allSatisfy { !tells($0, cell, value, print.rule) }
    }
  }

  /// Whether a step of another thread, or of no thread, can come before this one and depends on it.
  private func isDisturbed(_ print: Footprint) -> Bool {
    for cell in print.reads.union(print.writes.keys) {
      for index in touching[cell] ?? [] {
        let other = prints[index]
        guard other.rule.label.thread != print.rule.label.thread,
          depends(print, other, cell), !excludes(print.rule, other.rule)
        else { continue }
        return true
      }
    }
    return false
  }

  private func depends(_ print: Footprint, _ other: Footprint, _ cell: Int) -> Bool {
    if let value = other.writes[cell] {
      if print.writes[cell] != nil { return true }
      // What the other writes, this one reads.
      return print.reads.contains(cell) && reads(print, cell, value, other.rule)
    }
    guard let value = print.writes[cell], other.reads.contains(cell) else { return false }
    return reads(other, cell, value, print.rule)
  }

  /// Whether a rule can tell that another has written a cell.
  private func reads(_ print: Footprint, _ cell: Int, _ value: Value, _ writer: GroundRule) -> Bool
  {
    if tells(print.rule.guardFormula, cell, value, writer) { return true }
    return print.writes.values.contains { $0.tells(cell) { tells($0, cell, value, writer) } }
  }

  /// Whether a condition can change when a rule writes a value to a cell.
  ///
  /// Where a thread stands is known before its step: a condition that asks whether it stands at one
  /// of several locations often cannot tell two of them apart.
  private func tells(_ formula: Formula, _ cell: Int, _ value: Value, _ writer: GroundRule) -> Bool
  {
    switch formula {
    case .yes, .no: return false
    case .member(let asked, let set):
      guard asked == cell else { return false }
      guard case .const(let after) = value, let thread = writer.label.thread,
        program.threadPlaces[thread].location == cell
      else { return true }
      return set.contains(writer.label.source) != set.contains(after)
    case .compare(_, let a, let b, _):
      return a.tells(cell) { tells($0, cell, value, writer) }
        || b.tells(cell) { tells($0, cell, value, writer) }
    case .and(let parts), .or(let parts):
      return parts.contains { tells($0, cell, value, writer) }
    }
  }

  /// While the thread of `rule` stands where it stands, `other` cannot be taken: it needs a lock
  /// that this thread holds.
  private func excludes(_ rule: GroundRule, _ other: GroundRule) -> Bool {
    for (cell, code) in rule.held {
      if let needed = other.held[cell], needed != code { return true }
    }
    for part in other.guardFormula.conjuncts {
      if case .member(let cell, let set) = part, let code = rule.held[cell], !set.contains(code) {
        return true
      }
    }
    return false
  }
}

extension Value {
  /// Whether the value depends on a cell, directly or by a condition that `condition` says of.
  fileprivate func tells(_ cell: Int, _ condition: (Formula) -> Bool) -> Bool {
    switch self {
    case .const: false
    case .cell(let own): own == cell
    case .add(let a, let b), .subtract(let a, let b):
      a.tells(cell, condition) || b.tells(cell, condition)
    case .choice(let formula, let a, let b):
      condition(formula) || a.tells(cell, condition) || b.tells(cell, condition)
    }
  }

  fileprivate func collectCells(into cells: inout Set<Int>) {
    switch self {
    case .const: break
    case .cell(let cell): cells.insert(cell)
    case .add(let a, let b), .subtract(let a, let b):
      a.collectCells(into: &cells)
      b.collectCells(into: &cells)
    case .choice(let formula, let a, let b):
      formula.collectCells(into: &cells)
      a.collectCells(into: &cells)
      b.collectCells(into: &cells)
    }
  }
}

extension Formula {
  fileprivate func collectCells(into cells: inout Set<Int>) {
    switch self {
    case .yes, .no: break
    case .member(let cell, _): cells.insert(cell)
    case .compare(_, let a, let b, _):
      a.collectCells(into: &cells)
      b.collectCells(into: &cells)
    case .and(let parts), .or(let parts):
      for part in parts { part.collectCells(into: &cells) }
    }
  }
}
