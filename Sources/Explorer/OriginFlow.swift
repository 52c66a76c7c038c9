import SpecProgram

/// For each kind of transition, the rows that calls began in which it begins or ends.
///
/// What a thread's call may have begun in is passed on from state to state until nothing changes.
struct OriginFlow<E: Engine> {
  /// What a kind of transition is for the calls in question.
  struct Step {
    /// Whose step it is.
    let actor: Int?
    let begins: Bool
    let ends: Bool
  }

  /// By kind: the rows in which calls begin with it.
  private(set) var begun: [UInt64]
  /// By kind: the rows in which the calls began that end with it.
  private(set) var ended: [UInt64]
  private let graph: ExploredGraph<E>
  private let threads: Int

  /// - Parameter steps: one for each kind of transition of the graph.
  /// - Throws: `outOfMemory` when 8 bytes for each state and thread are too much.
  init(_ graph: ExploredGraph<E>, _ rows: RowBits<E>, _ steps: [Step]) throws(SearchError) {
    self.graph = graph
    threads = graph.program.threadCount
    begun = [UInt64](repeating: 0, count: steps.count)
    ended = begun
    var origins: PageArray<UInt64>
    do throws(StoreError) {
      origins = try PageArray(minimumCapacity: max(1, graph.stateCount * threads))
    } catch {
      throw .outOfMemory(states: graph.stateCount)
    }
    for state in 0..<graph.stateCount {
      rows.enter(state)
      for edge in graph.edges(of: state) {
        let number = graph.kind(edge)
        guard steps[number].begins else { continue }
        let mask = rows.mask(number)
        begun[number] |= mask
        if steps[number].ends {
          ended[number] |= mask
        } else if let actor = steps[number].actor {
          origins.base[graph.target(edge) * threads + actor] |= mask
        }
      }
    }
    while propagate(origins.base, steps) {}
  }

  /// Passes on what each state knows to its successors.
  ///
  /// - Returns: whether anything is new.
  private mutating func propagate(
    _ origins: UnsafeMutablePointer<UInt64>, _ steps: [Step]
  ) -> Bool {
    var isNew = false
    let actors = steps.map { $0.actor ?? -1 }
    for state in 0..<graph.stateCount {
      let own = origins + state * threads
      for edge in graph.edges(of: state) {
        let number = graph.kind(edge)
        let next = origins + graph.target(edge) * threads
        for thread in 0..<threads where own[thread] != 0 {
          if thread == actors[number], steps[number].ends {
            ended[number] |= own[thread]
          } else if own[thread] & ~next[thread] != 0 {
            next[thread] |= own[thread]
            isNew = true
          }
        }
      }
    }
    return isNew
  }
}
