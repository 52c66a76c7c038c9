/// A cheapest flow over arcs without capacities: successive shortest paths with potentials.
///
/// Costs are whole numbers from 0. Time: at most the number of units that must flow times that of
/// a shortest path; usually far less, since a path takes all that its ends have.
struct MinimumCostFlow {
  struct Arc {
    let from: Int
    let to: Int
    let cost: Int
    fileprivate(set) var flow = 0

    init(from: Int, to: Int, cost: Int) {
      self.from = from
      self.to = to
      self.cost = cost
    }
  }

  private(set) var arcs: [Arc]
  /// By node: how much it has to give; less than 0 for what it takes.
  private var excess: [Int]
  private var outgoing: [[Int]]
  private var incoming: [[Int]]
  private var potential: [Int]

  /// - Parameter excess: what each node gives, or takes; the sum is 0.
  init(_ arcs: [Arc], excess: [Int]) {
    self.arcs = arcs
    self.excess = excess
    outgoing = excess.map { _ in [] }
    incoming = outgoing
    potential = excess.map { _ in 0 }
    for (number, arc) in arcs.enumerated() {
      outgoing[arc.from].append(number)
      incoming[arc.to].append(number)
    }
  }

  /// Lets everything flow.
  ///
  /// - Returns: false when something cannot reach a node that takes it.
  mutating func run() -> Bool {
    while excess.contains(where: { $0 > 0 }) {
      guard augment() else { return false }
    }
    return true
  }

  /// What all flow costs.
  var cost: Int { arcs.reduce(0) { $0 + $1.cost * $1.flow } }

  /// How a shortest path came to a node: by an arc, or against it.
  private struct Arrival {
    let arc: Int
    let isBackward: Bool
  }

  private mutating func augment() -> Bool {
    var distance = [Int](repeating: .max, count: excess.count)
    var arrival = [Arrival?](repeating: nil, count: excess.count)
    var isSettled = [Bool](repeating: false, count: excess.count)
    var queue = NearestFirst()
    for node in excess.indices where excess[node] > 0 {
      distance[node] = 0
      queue.push(0, node)
    }
    var target: Int?
    while let (far, node) = queue.pop() {
      guard !isSettled[node] else { continue }
      isSettled[node] = true
      if excess[node] < 0 {
        target = node
        break
      }
      relax(node, far, &distance, &arrival, &queue)
    }
    guard let target else { return false }
    let reach = distance[target]
    for node in excess.indices { potential[node] += min(distance[node], reach) }
    push(to: target, arrival)
    return true
  }

  private func relax(
    _ node: Int, _ far: Int, _ distance: inout [Int], _ arrival: inout [Arrival?],
    _ queue: inout NearestFirst
  ) {
    func offer(_ other: Int, _ cost: Int, _ way: Arrival) {
      let length = far + cost + potential[node] - potential[other]
      guard length < distance[other] else { return }
      distance[other] = length
      arrival[other] = way
      queue.push(length, other)
    }
    for number in outgoing[node] {
      offer(arcs[number].to, arcs[number].cost, Arrival(arc: number, isBackward: false))
    }
    for number in incoming[node] where arcs[number].flow > 0 {
      offer(arcs[number].from, -arcs[number].cost, Arrival(arc: number, isBackward: true))
    }
  }

  /// Sends what the path's ends and the flow against it allow.
  private mutating func push(to target: Int, _ arrival: [Arrival?]) {
    var path: [Arrival] = []
    var node = target
    while let way = arrival[node] {
      path.append(way)
      node = way.isBackward ? arcs[way.arc].to : arcs[way.arc].from
    }
    var amount = min(-excess[target], excess[node])
    for way in path where way.isBackward { amount = min(amount, arcs[way.arc].flow) }
    for way in path { arcs[way.arc].flow += way.isBackward ? -amount : amount }
    excess[node] -= amount
    excess[target] += amount
  }
}

/// Nodes by distance, the nearest first; of those as near, the one with the lowest number.
private struct NearestFirst {
  private var heap: [(distance: Int, node: Int)] = []

  mutating func push(_ distance: Int, _ node: Int) {
    heap.append((distance, node))
    var child = heap.count - 1
    while child > 0, heap[child] < heap[(child - 1) / 2] {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> (Int, Int)? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    guard !heap.isEmpty else { return first }
    heap[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
        if heap[child] < heap[least] { least = child }
      }
      if least == parent { return first }
      heap.swapAt(least, parent)
      parent = least
    }
  }
}
