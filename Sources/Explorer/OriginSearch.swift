import SpecProgram

/// Looks for a shortest run that ends a call with an answer, the call having begun in a row.
///
/// Breadth first over states with a mark: no call chosen yet, or the thread whose call it is.
struct OriginSearch<E: Engine> {
  private let graph: ExploredGraph<E>
  private let rows: RowBits<E>
  private let bit: UInt64
  private let answer: CallAnswer
  private let threads: Int

  /// A state with a mark, and how it was reached.
  private struct Item {
    let state: UInt32
    let parent: UInt32
    /// -1 while no call is chosen.
    let thread: Int16
    let ordinal: UInt16
  }

  init(_ graph: ExploredGraph<E>, _ rows: RowBits<E>, _ bit: Int, _ answer: CallAnswer) {
    self.graph = graph
    self.rows = rows
    self.bit = 1 << UInt64(bit)
    self.answer = answer
    threads = graph.program.threadCount
  }

  /// - Returns: for each step which of its state's transitions it is; `nil` when there is no run.
  func run() -> [Int]? {
    var items = [Item(state: 0, parent: .max, thread: -1, ordinal: 0)]
    var seen = [Bool](repeating: false, count: graph.stateCount * (threads + 1))
    seen[0] = true
    var next = 0
    while next < items.count {
      let thread = Int(items[next].thread)
      let state = Int(items[next].state)
      let edges = graph.edges(of: state)
      if thread < 0 { rows.enter(state) }
      for edge in edges {
        let number = graph.kind(edge)
        let kind = graph.kinds[number]
        let ordinal = edge - edges.lowerBound
        let isChosen =
          thread < 0 && kind.begins && kind.procedure == answer.procedure
          && rows.mask(number) & bit != 0
        let isOwn = isChosen || (thread >= 0 && kind.thread == thread)
        if isOwn, kind.outcome != nil {
          if kind.outcome == answer.outcome { return path(to: next, in: items) + [ordinal] }
          if thread >= 0 { continue }
        }
        var marks = [thread]
        if isChosen, kind.outcome == nil, let own = kind.thread { marks.append(own) }
        for mark in marks {
          let place = graph.target(edge) * (threads + 1) + mark + 1
          guard !seen[place] else { continue }
          seen[place] = true
          items.append(
            Item(
              state: UInt32(graph.target(edge)), parent: UInt32(next), thread: Int16(mark),
              ordinal: UInt16(ordinal)))
        }
      }
      next += 1
    }
    return nil
  }

  private func path(to last: Int, in items: [Item]) -> [Int] {
    var result: [Int] = []
    var item = last
    while items[item].parent != .max {
      result.append(Int(items[item].ordinal))
      item = Int(items[item].parent)
    }
    return result.reversed()
  }
}
