import SpecLanguage

/// Gives packed states their successors and evaluates conditions on them.
///
/// An explorer is generic over the engine; both engines agree on every state, which the tests check
/// on every transition of the small models.
public protocol Engine: AnyObject {
  var program: Program { get }
  var layout: StateLayout { get }
  /// No state has more successors than this.
  var maxSuccessors: Int { get }

  /// Writes the successors of `count` states one behind the other.
  ///
  /// - Parameters:
  ///   - target: room for `count * maxSuccessors` states.
  ///   - counts: gets the number of successors of each state.
  /// - Returns: the number of successors in all.
  /// - Throws: `TDX3xxx` when a step is not well defined.
  func expand(
    _ states: UnsafePointer<UInt64>, _ count: Int, into target: UnsafeMutablePointer<UInt64>,
    counts: UnsafeMutablePointer<Int32>
  ) throws(EngineFault) -> Int

  /// Writes the successors of one state by the steps of one thread, in the order of `expand`.
  ///
  /// - Parameter target: room for `maxSuccessors` states.
  /// - Returns: how many there are.
  /// - Throws: `TDX3xxx` when a step of the thread is not well defined.
  func expand(
    _ state: UnsafePointer<UInt64>, thread: Int, into target: UnsafeMutablePointer<UInt64>
  ) throws(EngineFault) -> Int

  /// Which of the monitors named in `active` hold in each of `count` states, as bit masks.
  ///
  /// - Parameter seen: room for `count` masks. When this throws, those before the state at fault
  ///   are written.
  /// - Returns: whether any monitor holds in any of the states.
  func observe(
    _ states: UnsafePointer<UInt64>, _ count: Int, active: UInt64,
    into seen: UnsafeMutablePointer<UInt64>
  ) throws(EngineFault) -> Bool

  /// Writes the successors of one state, and for each the mark that its label decides.
  ///
  /// - Parameters:
  ///   - target: room for `maxSuccessors` states.
  ///   - marks: room for `maxSuccessors` masks.
  /// - Returns: how many successors there are.
  func expand(
    _ state: UnsafePointer<UInt64>, into target: UnsafeMutablePointer<UInt64>,
    marks: UnsafeMutablePointer<UInt64>, by marker: TransitionMarker
  ) throws(EngineFault) -> Int

  /// The labels of the successors of one state, in the order of `expand`.
  func labels(of state: UnsafePointer<UInt64>) throws(EngineFault) -> [TransitionLabel]

  /// How often each kind of transition was taken, over all `expand`s.
  var coverage: [CoverageKey: Int] { get }

  /// Whether a state stands for others, and a transition for several steps.
  var isReduced: Bool { get }

  /// Replaces a state by the one that stands for it.
  func represent(_ state: UnsafeMutablePointer<UInt64>)

  /// The run from the initial state in which every state is the successor of the one before that
  /// has the given number in the order of `expand`, replayed step by step by the interpreter.
  func replay(_ ordinals: [Int]) throws(ReplayFailure) -> Trace
}

/// The engine and the interpreter disagree about a run: a bug of the tool, never of the spec.
public struct ReplayFailure: Error, Sendable {
  public let text: String

  public init(_ text: String) { self.text = text }
}

/// A step that is not well defined, in one state of a batch.
public struct EngineFault: Error, Sendable {
  /// Which state of the batch.
  public let index: Int
  public let error: SpecError

  package init(index: Int, error: SpecError) {
    self.index = index
    self.error = error
  }
}

/// A kind of transition: which step, and how it ended.
public struct CoverageKey: Hashable, Sendable {
  public let procedure: Int
  public let node: Int
  public let refusedBy: Int?
  public let outcome: Int?

  public init(_ label: TransitionLabel) {
    procedure = label.procedure
    node = label.node
    refusedBy = label.refusedBy
    outcome = label.outcome
  }
}

extension GuardTable: Engine {
  public var program: Program { ground.program }

  public func expand(
    _ states: UnsafePointer<UInt64>, _ count: Int, into target: UnsafeMutablePointer<UInt64>,
    counts: UnsafeMutablePointer<Int32>
  ) throws(EngineFault) -> Int {
    // Two copies of the loop: most specs fit one word.
    try words == 1
      ? expand(states, count, target, counts, words: 1)
      : expand(states, count, target, counts, words: words)
  }

  @inline(__always)
  private func expand(
    _ states: UnsafePointer<UInt64>, _ count: Int, _ target: UnsafeMutablePointer<UInt64>,
    _ counts: UnsafeMutablePointer<Int32>, words: Int
  ) throws(EngineFault) -> Int {
    var total = 0
    var index = 0
    while index < count {
      let found = successors(states + index &* words, target + total &* words, words: words)
      if found < 0 { throw fault(found, index) }
      counts[index] = Int32(truncatingIfNeeded: found)
      total &+= found
      index &+= 1
    }
    return total
  }

  public func expand(
    _ state: UnsafePointer<UInt64>, thread: Int, into target: UnsafeMutablePointer<UInt64>
  ) throws(EngineFault) -> Int {
    let group = groupOfThread[thread]
    guard group >= 0 else { return 0 }
    let found = successors(state, target, in: groups + group, 0, words: words)
    if found < 0 { throw fault(found, 0) }
    return found
  }

  /// What a negative number of successors stands for.
  private func fault(_ found: Int, _ index: Int) -> EngineFault {
    let error = rules[-1 - found].fault ?? SpecError("TDX3000", "a step went wrong")
    return EngineFault(index: index, error: error)
  }

  public func observe(
    _ states: UnsafePointer<UInt64>, _ count: Int, active: UInt64,
    into seen: UnsafeMutablePointer<UInt64>
  ) throws(EngineFault) -> Bool {
    watch.observe(states, count, code, active: active, into: seen)
  }

  public func labels(
    of state: UnsafePointer<UInt64>
  ) throws(EngineFault) -> [TransitionLabel] {
    let target = UnsafeMutablePointer<UInt64>.allocate(capacity: maxSuccessors * words)
    defer { target.deallocate() }
    let found = successors(state, target, words: words)
    guard found >= 0 else { return [] }
    // Asking for names is not taking a transition.
    for index in 0..<found { fired[Int(taken[index])] -= 1 }
    return (0..<found).map { rules[Int(taken[$0])].label }
  }

  public var coverage: [CoverageKey: Int] {
    var result: [CoverageKey: Int] = [:]
    for (index, rule) in rules.enumerated() where rule.fault == nil {
      result[CoverageKey(rule.label), default: 0] += Int(fired[index])
    }
    return result
  }
}

/// The reference engine: the interpreter behind packed states.
public final class TreeEngine: Engine {
  public let program: Program
  public let layout: StateLayout
  public let maxSuccessors: Int
  public private(set) var coverage: [CoverageKey: Int] = [:]
  private let interpreter: Interpreter
  private let monitors: [Monitor]

  /// - Parameter monitors: conditions that `observe` evaluates; at most 64.
  public init(_ program: Program, monitors: [Monitor]) throws(SpecError) {
    guard monitors.count <= 64 else {
      throw SpecError("TDX2010", "\(monitors.count) conditions to watch; at most 64")
    }
    self.program = program
    self.monitors = monitors
    layout = try StateLayout(program)
    interpreter = Interpreter(program)
    maxSuccessors = program.maxSuccessors
  }

  public func expand(
    _ states: UnsafePointer<UInt64>, _ count: Int, into target: UnsafeMutablePointer<UInt64>,
    counts: UnsafeMutablePointer<Int32>
  ) throws(EngineFault) -> Int {
    var total = 0
    for index in 0..<count {
      let found = try successors(of: states + index * layout.words, index)
      guard total + found.count <= count * maxSuccessors else {
        throw EngineFault(
          index: index, error: SpecError("TDX3004", "more successors than there is room for"))
      }
      for transition in found {
        layout.pack(transition.state, into: target + total * layout.words)
        coverage[CoverageKey(transition.label), default: 0] += 1
        total += 1
      }
      counts[index] = Int32(found.count)
    }
    return total
  }

  public func expand(
    _ state: UnsafePointer<UInt64>, thread: Int, into target: UnsafeMutablePointer<UInt64>
  ) throws(EngineFault) -> Int {
    let found = try successors(of: state, 0).filter { $0.label.thread == thread }
    for (index, transition) in found.enumerated() {
      layout.pack(transition.state, into: target + index * layout.words)
      coverage[CoverageKey(transition.label), default: 0] += 1
    }
    return found.count
  }

  private func successors(
    of state: UnsafePointer<UInt64>, _ index: Int
  ) throws(EngineFault) -> [Transition] {
    do {
      return try interpreter.transitions(from: layout.unpack(state))
    } catch {
      throw EngineFault(index: index, error: error)
    }
  }

  public func observe(
    _ states: UnsafePointer<UInt64>, _ count: Int, active: UInt64,
    into seen: UnsafeMutablePointer<UInt64>
  ) throws(EngineFault) -> Bool {
    var any = false
    for index in 0..<count {
      let cells = layout.unpack(states + index * layout.words)
      seen[index] = 0
      for (number, monitor) in monitors.enumerated() where active >> UInt64(number) & 1 == 1 {
        do {
          if try interpreter.truth(of: monitor.term, monitor.registers, in: cells) {
            seen[index] |= 1 << UInt64(number)
            any = true
          }
        } catch {
          throw EngineFault(index: index, error: error)
        }
      }
    }
    return any
  }

  public func labels(
    of state: UnsafePointer<UInt64>
  ) throws(EngineFault) -> [TransitionLabel] {
    try successors(of: state, 0).map(\.label)
  }
}

extension Procedure {
  /// Whether a loop's body can be over without a step that others can see, so that one
  /// transition takes several elements, in every order.
  fileprivate func canRepeat(_ head: FlowNode<Term>) -> Bool {
    guard case .pick(let loop, let body, _) = head else { return false }
    var queue = [body]
    var seen: Set<Int> = [body]
    while let node = queue.popLast() {
      switch nodes[node] {
      case .pick(let other, _, _) where other.bound == loop.bound: return true
      case .pick, .silent, .test(_, shared: false, _, _):
        queue += nodes[node].successors.filter { seen.insert($0).inserted }
      case .atomic, .test, .end, .endLocal: break
      }
    }
    return false
  }
}

extension Program {
  /// An upper bound on the successors of any state: every start and every branch of every thread.
  var maxSuccessors: Int {
    var total = 0
    for procedure in procedures {
      let starts = procedure.frameSpans.prefix(procedure.action.arguments.count).reduce(1, *)
      let fan = procedure.nodes.reduce(1) { most, node in
        guard case .pick(let loop, _, _) = node, let register = procedure.bounds[loop.bound]
        else { return most }
        let span = max(1, procedure.frameSpans[register])
        let ways = procedure.canRepeat(node) ? (1...span).reduce(1, Self.product) : span
        return Self.product(most, ways)
      }
      total += Self.product(starts * (procedure.isThreaded ? threads.count : 1), fan)
    }
    return max(1, total)
  }

  /// Bounds beyond which there is no memory anyway do not grow.
  private static func product(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? 1 << 24 : min(product, 1 << 24)
  }
}
