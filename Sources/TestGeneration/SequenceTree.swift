/// Sequences of inputs as a tree of their common beginnings.
///
/// What it gives back are the sequences that no other one continues, in the order of inputs.
struct SequenceTree {
  /// One node; children by input, as numbers of nodes.
  private struct Node {
    var children: [(input: Int, node: Int)] = []
  }

  private var nodes = [Node()]

  /// Adds a sequence.
  mutating func insert(_ sequence: some Sequence<Int>) {
    var node = 0
    for input in sequence { node = step(node, input) }
  }

  private mutating func step(_ node: Int, _ input: Int) -> Int {
    if let child = nodes[node].children.first(where: { $0.input == input }) { return child.node }
    nodes.append(Node())
    nodes[node].children.append((input, nodes.count - 1))
    return nodes.count - 1
  }

  /// How many calls the sequences have in all, each beginning counted for each of its leaves.
  var leaves: [[Int]] {
    var result: [[Int]] = []
    var open: [(node: Int, path: [Int])] = [(0, [])]
    while let (node, path) = open.popLast() {
      let children = nodes[node].children.sorted { $0.input < $1.input }
      if children.isEmpty, !path.isEmpty { result.append(path) }
      for child in children.reversed() { open.append((child.node, path + [child.input])) }
    }
    return result
  }
}
