import Foundation

/// Runs several threads of the simulated machine one step at a time.
///
/// The threads are real ones; one of them holds the baton. At each ``StepPoint`` the chooser says
/// which goes on, so that any interleaving of the steps can be run, and run again.
public final class Scheduler: @unchecked Sendable {
  /// Who goes on: one of the ready threads, which are in order. `step` counts the points.
  public typealias Chooser = @Sendable (_ ready: [Int], _ step: Int) -> Int

  private enum State {
    case ready
    case waiting
    case finished
  }

  private let condition = NSCondition()
  private var choose: Chooser = { ready, _ in ready[0] }
  private var states: [State] = []
  private var turn: Int?
  private var steps = 0
  /// Set before threads begin and after they ended, so that a caller who is alone does not wait.
  private(set) var isRunning = false
  /// Who stood where when it handed the baton on.
  public private(set) var trace: [(thread: Int, point: StepPoint)] = []
  /// All threads waited for each other at some time.
  public private(set) var hasDeadlocked = false

  /// Nothing runs yet.
  public init() {}

  /// Follows a list of threads; when one of them cannot run, or the list ends, the first that can.
  public static func following(_ order: [Int]) -> Chooser {
    { ready, step in
      let wanted = step < order.count ? order[step] : ready[0]
      return ready.contains(wanted) ? wanted : ready[0]
    }
  }

  /// Picks by a seed: the same seed gives the same run.
  public static func random(seed: UInt64) -> Chooser {
    { ready, step in
      var random = SplitMix(seed: seed &+ UInt64(step) &* 0x9E37_79B9_7F4A_7C15)
      return ready[Int(random.next() % UInt64(ready.count))]
    }
  }

  /// Runs the bodies, each on a thread of its own, until all have ended.
  ///
  /// - Parameter choose: picks the next thread at each point.
  public func run(_ bodies: [@Sendable () -> Void], _ choose: @escaping Chooser) {
    self.choose = choose
    steps = 0
    trace = []
    hasDeadlocked = false
    isRunning = true
    defer { isRunning = false }
    states = bodies.map { _ in .ready }
    turn = bodies.isEmpty ? nil : choose(Array(bodies.indices), steps)
    let group = DispatchGroup()
    for (number, body) in bodies.enumerated() {
      group.enter()
      let thread = Thread {
        self.begin(number)
        body()
        self.end()
        group.leave()
      }
      thread.stackSize = 1 << 20
      thread.start()
    }
    group.wait()
  }

  private func begin(_ number: Int) {
    condition.lock()
    while turn != number { condition.wait() }
    condition.unlock()
  }

  private func end() {
    condition.lock()
    if let turn { states[turn] = .finished }
    // What it released with its last step may be waited for.
    wake()
    pass()
    condition.unlock()
  }

  private func wake() {
    for number in states.indices where states[number] == .waiting { states[number] = .ready }
  }

  /// Hands the baton to a ready thread.
  private func pass() {
    let ready = states.indices.filter { states[$0] == .ready }
    let before = turn
    steps += 1
    turn = ready.isEmpty ? nil : choose(ready, steps)
    if turn != before { condition.broadcast() }
  }

  /// Hands the baton on and returns when it is this thread's turn again.
  func yield(_ point: StepPoint) {
    condition.lock()
    if let turn {
      trace.append((turn, point))
      if point.kind == .release || point.kind == .effect { wake() }
      handOn(from: turn)
    }
    condition.unlock()
  }

  private func handOn(from me: Int) {
    pass()
    while turn != me { condition.wait() }
  }

  /// Lets the other threads go first until one of them changes something, if there are any.
  func giveWay(_ point: StepPoint) {
    condition.lock()
    if let me = turn, states.indices.contains(where: { $0 != me && states[$0] == .ready }) {
      trace.append((me, point))
      states[me] = .waiting
      handOn(from: me)
    }
    condition.unlock()
  }

  /// Waits for another thread's step. False when no other thread can make one.
  func wait(_ point: StepPoint) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    guard let me = turn else { return false }
    trace.append((me, point))
    states[me] = .waiting
    guard states.contains(.ready) else {
      hasDeadlocked = true
      states[me] = .ready
      return false
    }
    handOn(from: me)
    return true
  }
}

/// A small generator of pseudo-random numbers (SplitMix64).
public struct SplitMix: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
