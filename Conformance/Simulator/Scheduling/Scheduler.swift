import Dispatch

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

  private var choose: Chooser = { ready, _ in ready[0] }
  private var states: [State] = []
  /// Where each thread waits for the baton. Whoever holds it alone touches what is here.
  private var gates: [DispatchSemaphore] = []
  private var workers: [Worker] = []
  private var turn: Int?
  private var steps = 0
  /// Set before threads begin and after they ended, so that a caller who is alone does not wait.
  private(set) var isRunning = false
  /// Whether ``trace`` is kept.
  public var keepsTrace = true
  /// Who stood where when it handed the baton on.
  public private(set) var trace: [(thread: Int, point: StepPoint)] = []
  /// All threads waited for each other at some time.
  public private(set) var hasDeadlocked = false

  /// Nothing runs yet.
  public init() {}

  deinit {
    for worker in workers { worker.stop() }
  }

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

  /// Runs the bodies at once, the first on the calling thread, until all have ended.
  ///
  /// - Parameter choose: picks the next thread at each point.
  public func run(_ bodies: [@Sendable () -> Void], _ choose: @escaping Chooser) {
    guard let own = bodies.first else { return }
    self.choose = choose
    steps = 0
    trace = []
    hasDeadlocked = false
    isRunning = true
    defer { isRunning = false }
    states = bodies.map { _ in .ready }
    gates = bodies.map { _ in DispatchSemaphore(value: 0) }
    let ended = DispatchSemaphore(value: 0)
    for (number, body) in bodies.enumerated().dropFirst() {
      if workers.count < number { workers.append(Worker()) }
      workers[number - 1].begin {
        self.turn(of: number, body)
        ended.signal()
      }
    }
    let first = choose(Array(bodies.indices), steps)
    turn = first
    gates[first].signal()
    turn(of: 0, own)
    for _ in bodies.dropFirst() { ended.wait() }
  }

  /// A thread's part: once it has the baton.
  private func turn(of number: Int, _ body: () -> Void) {
    gates[number].wait()
    body()
    states[number] = .finished
    // What it released with its last step may be waited for.
    wake()
    pass()
    if let turn { gates[turn].signal() }
  }

  private func wake() {
    for number in states.indices where states[number] == .waiting { states[number] = .ready }
  }

  /// Chooses who has the baton next: a ready thread, or nobody.
  private func pass() {
    let ready = states.indices.filter { states[$0] == .ready }
    steps += 1
    turn = ready.isEmpty ? nil : choose(ready, steps)
  }

  private func note(_ kind: StepPoint.Kind, _ what: () -> String) {
    if keepsTrace, let turn { trace.append((turn, StepPoint(kind, what()))) }
  }

  /// Hands the baton on and returns when it is this thread's turn again.
  func yield(_ kind: StepPoint.Kind, _ what: () -> String) {
    guard let me = turn else { return }
    note(kind, what)
    if kind == .release || kind == .effect { wake() }
    handOn(from: me)
  }

  private func handOn(from me: Int) {
    pass()
    guard let next = turn, next != me else { return }
    gates[next].signal()
    gates[me].wait()
  }

  /// Lets the other threads go first until one of them changes something, if there are any.
  func giveWay(_ what: () -> String) {
    guard let me = turn, states.indices.contains(where: { $0 != me && states[$0] == .ready })
    else { return }
    note(.wait, what)
    states[me] = .waiting
    handOn(from: me)
  }

  /// Waits for another thread's step. False when no other thread can make one.
  func wait(_ what: () -> String) -> Bool {
    guard let me = turn else { return false }
    note(.wait, what)
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
