/// The flow of control of a procedure at the begins and ends of called actions.
struct CalledFlow {
  let procedure: Procedure
  let reachable: Set<Int>

  init(_ procedure: Procedure) {
    self.procedure = procedure
    var seen: Set<Int> = [procedure.entry]
    var queue = [procedure.entry]
    while let node = queue.popLast() {
      queue += procedure.nodes[node].successors.filter { seen.insert($0).inserted }
    }
    reachable = seen
  }

  /// Whether the called action that the path ends with begins at the node.
  func isBegin(_ node: Int, of path: [String]) -> Bool {
    guard reachable.contains(node), let called = path.last else { return false }
    let info = procedure.info[node]
    return info.entering.contains(called) && info.path.starts(with: path)
  }

  /// Where a thread may stand after a step that was not refused: outside of the call that the path
  /// ends with, or still inside.
  func after(_ node: Int, path: [String]) -> (leaves: Bool, stays: Bool) {
    var result = (leaves: false, stays: false)
    var queue = followers(node)
    var seen = Set(queue)
    while let next = queue.popLast() {
      if !procedure.info[next].path.starts(with: path) || isBegin(next, of: path) {
        result.leaves = true
      } else if procedure.nodes[next].isBoundary {
        result.stays = true
      } else {
        queue += procedure.nodes[next].successors.filter { seen.insert($0).inserted }
      }
    }
    return result
  }

  private func followers(_ node: Int) -> [Int] {
    if case .atomic(_, let next) = procedure.nodes[node] { return [next] }
    return procedure.nodes[node].successors
  }
}
