import Testing

@testable import Explorer
@testable import SpecFuzzing
@testable import SpecLanguage
@testable import SpecProgram

/// Variables that steps change a little at a time.
private struct Sketch: SpecPart {
  let color: Var<Color>
  let flag: Map<V, Bool>
  let who: Var<W?>
  let some: Var<SetOf<V>>
  let n: Var<Int>
}

private struct SketchSpec: Spec {
  static let name = "test/sketch"
  let summary = "a random abstract spec"
  let vs = Parameter("V", of: V.self, 1...4, default: 2)
  let ws = Parameter("W", of: W.self, 1...4, default: 2)
  let part: Sketch
  let chosen: Set<String>

  var properties: [Property] { [] }
  var actions: [Action] {
    (colors + rest).filter { chosen.contains($0.name) }
  }

  private var colors: [Action] {
    var all: [Action] = []
    for from in Color.allCases {
      for to in Color.allCases where from != to {
        all.append(
          Action("\(from) to \(to)") {
            Require(part.color == from)
            part.color <- to
          })
      }
    }
    return all
  }

  @ListBuilder<Action> private var rest: [Action] {
    Action("up", each: V.self) { v in part.flag[v] <- true }
    Action("down", each: V.self) { v in part.flag[v] <- false }
    Action("insert", each: V.self) { v in part.some <- part.some.inserting(v) }
    Action("remove", each: V.self) { v in part.some <- part.some.removing(v) }
    Action("all go") { part.some <- .empty }
    Action("is", each: W.self) { w in part.who <- w }
    Action("nobody") { part.who <- nil }
    Action("more") {
      Require(part.n < 3)
      part.n <- part.n + 1
    }
    Action("less") {
      Require(part.n > -2)
      part.n <- part.n - 1
    }
    Action("two at once", each: V.self) { v in
      Require(!part.flag[v])
      part.flag[v] <- true
      part.color <- .blue
    }
  }

  static let names = SketchSpec(
    part: Sketch(
      color: Var(.red), flag: Map(V.self, false), who: Var(nil), some: Var(.empty),
      n: Var(0, in: -2...3)), chosen: []
  ).everything

  private var everything: [String] { (colors + rest).map(\.name) }
}

/// A random spec with a random map to a random abstract spec.
private struct RandomRefinement {
  let program: Program
  let claim: RefinementClaim

  init(seed: UInt64) throws {
    var generator = SpecGenerator(seed: seed)
    let base = seed % 4 == 0 ? generator.spec() : Self.events(&generator)
    let plain = try Program(base, ["V": 2], fuse: false)
    let key = BoundID(raw: 3_000_000 + Int(seed), type: V.valueType)
    let pool = generator.part.pool
    /// Often a variable or a constant, so that steps change little at once.
    func pick(_ plain: [Node], _ random: (inout NodeGenerator) -> Node) -> Node {
      generator.nodes.random.chance(80)
        ? generator.nodes.random.pick(plain) : random(&generator.nodes)
    }
    let color = pick([pool.c0.node, pool.c0.node, Color.green.literal]) { $0.color(2) }
    let flag = pick([pool.mb[Expr<V>(.bound(key))].node, .no, .yes]) { nodes in
      nodes.bound = [key]
      defer { nodes.bound = [] }
      return nodes.bool(1)
    }
    let who = generator.nodes.random.pick([pool.ow.node, W?.none.literal])
    let some = pick([pool.set0.node, pool.set0.node, pool.set1.node]) { $0.set(1) }
    let n = pick([pool.n0.node, 1.literal]) { $0.int(1) }
    func now(_ node: Node, _ bound: [BoundID: Int] = [:]) throws -> Int {
      try plain.value(of: node, bound: bound, in: plain.initial)
    }
    let isEmpty = try now(some) == 0
    let number = max(-2, min(3, try now(n)))
    let start = Color.allCases[try now(color)]
    let sketch = Sketch(
      color: Var(generator.nodes.random.chance(97) ? start : .green),
      flag: Map(V.self, try now(flag, [key: 0]) != 0), who: Var(nil),
      some: isEmpty ? Var(.empty) : Var(.all), n: Var(number, in: -2...3))
    let density = generator.nodes.random.pick([85, 92, 97, 100])
    let chosen = SketchSpec.names.filter { _ in generator.nodes.random.chance(density) }
    let spec = SketchSpec(part: sketch, chosen: Set(chosen))
    let property = Refines("R", "random", spec) { _ in
      [
        Self.clause(Maps(sketch.color, to: .red), color),
        Self.clause(Maps(sketch.flag) { $0 == $0 }, flag, [key]),
        Self.clause(Maps(sketch.who, to: nil), who),
        Self.clause(Maps(sketch.some, to: .empty), some),
        Self.clause(Maps(sketch.n, to: 0), n),
      ]
    }
    claim = try #require(property.refinement)
    program = try Program(
      SpecDescription(base, properties: [property]), ["V": 2], fuse: false)
  }

  /// A spec of a few events, each of which changes little.
  private static func events(_ generator: inout SpecGenerator) -> SpecDescription {
    let pool = generator.part.pool
    let place = SourceLocation(file: "random", line: 1)
    /// Colours and numbers change in chains, so that some mistakes come late.
    func event(_ v: Expr<V>, _ nodes: inout NodeGenerator) -> (Node, Statement) {
      let (from, to) = (nodes.random.below(3), nodes.random.below(3))
      switch nodes.random.below(7) {
      case 0: return (nodes.bool(1), pool.mb[v].assignment(nodes.bool(1), at: place))
      case 1: return (nodes.bool(1), pool.ow.assignment(nodes.optionalW(1), at: place))
      case 2: return (nodes.bool(1), pool.set0.assignment(nodes.set(1), at: place))
      case 3, 4:
        return (.equal(pool.n0.node, from.literal), pool.n0.assignment((to + 1).literal, at: place))
      default:
        let colors = Color.allCases.map(\.literal)
        return (.equal(pool.c0.node, colors[from]), pool.c0.assignment(colors[to], at: place))
      }
    }
    let actions = (0..<5 + generator.nodes.random.below(5)).map { number in
      Action("event \(number)", each: V.self) { v in
        let (condition, statement) = event(v, &generator.nodes)
        return [Statement(.require(condition), at: place), statement]
      }
    }
    return describe(generator.part) { actions }
  }

  /// The clause with another expression.
  private static func clause(
    _ clause: MapClause, _ value: Node, _ keys: [BoundID] = []
  ) -> MapClause {
    MapClause(
      variable: clause.variable, keys: keys, value: value, location: clause.location)
  }
}

/// All pairs, without monitors, bits or memory of steps.
private struct BruteForce {
  enum Answer: Hashable {
    case holds(pairs: Int)
    /// The number of steps of the shortest run that refutes it.
    case violated(Int)
    /// A shortest run to a state that maps to nothing has so many steps.
    case outside(Int)
    /// A step is not well defined, or there are too many states.
    case failed
  }

  let refinement: RandomRefinement
  let abstract: Program

  init(_ refinement: RandomRefinement) throws {
    self.refinement = refinement
    abstract = try Program(refinement.claim.abstract, ["V": 2, "W": 2], fuse: false)
  }

  /// The abstract state as cells; `nil` outside of the variables' ranges.
  private func image(_ state: [Int]) throws -> [Int]? {
    var cells = abstract.initial
    for (index, cell) in abstract.cells.enumerated() {
      guard case .variable(let declaration, let indices, let member) = abstract.meaning(of: index)
      else { return nil }
      let clause = try #require(
        refinement.claim.maps.first { $0.variable == declaration.id })
      let bound = Dictionary(uniqueKeysWithValues: zip(clause.keys, indices))
      var value = try refinement.program.value(of: clause.value, bound: bound, in: state)
      if let member { value = value >> member & 1 }
      guard (0..<cell.count).contains(value - cell.low) else { return nil }
      cells[index] = value - cell.low
    }
    return cells
  }

  func answer() throws -> Answer {
    let interpreter = Interpreter(refinement.program)
    let above = Interpreter(abstract)
    guard let first = try image(refinement.program.initial) else { return .outside(0) }
    guard first == abstract.initial else { return .violated(0) }
    var seen: Set<[Int]> = [refinement.program.initial]
    var layer = [refinement.program.initial]
    var pairs: Set<[[Int]]> = []
    var depth = 0
    while !layer.isEmpty {
      depth += 1
      var next: [[Int]] = []
      for state in layer {
        let before = try image(state)
        for transition in try interpreter.transitions(from: state) {
          guard let before, let after = try image(transition.state) else {
            return .outside(depth)
          }
          if before != after {
            let ways = try above.transitions(from: before)
            guard ways.contains(where: { $0.state == after }) else { return .violated(depth) }
            pairs.insert([before, after])
          }
          if seen.insert(transition.state).inserted { next.append(transition.state) }
        }
        guard seen.count < 4000 else { return .failed }
      }
      layer = next
    }
    return .holds(pairs: pairs.count)
  }
}

@Suite("Refinement: random specs") struct RandomRefinementTests {
  private struct Counts {
    var holds = 0
    var moving = 0
    var violated = 0
    var later = 0
    var outside = 0
  }

  @Test("as by brute force", arguments: [EngineKind.table, .tree])
  func asByBruteForce(engine: EngineKind) throws {
    var counts = Counts()
    for seed in 1...UInt64(engine == .table ? 800 : 300) {
      let refinement: RandomRefinement
      do { refinement = try RandomRefinement(seed: seed) } catch is SpecError { continue }
      let expected = (try? BruteForce(refinement).answer()) ?? .failed
      if expected != .failed { try compare(refinement, expected, engine, seed, &counts) }
    }
    // Enough of each kind, or the test says nothing.
    let few = engine == .table ? 20 : 6
    #expect(counts.holds > few && counts.moving > few, "\(counts)")
    #expect(counts.violated > few && counts.later > few / 4, "\(counts)")
    #expect(counts.outside > 0, "\(counts)")
  }

  private func compare(
    _ refinement: RandomRefinement, _ expected: BruteForce.Answer, _ engine: EngineKind,
    _ seed: UInt64, _ counts: inout Counts
  ) throws {
    let found: Refined
    do {
      found = try Refined(refinement.program, "R", engine: engine)
    } catch SearchError.fault(let fault) {
      #expect(fault.error.code == "TDX3005", "seed \(seed)")
      #expect(expected == .outside(fault.trace.steps.count), "seed \(seed)")
      counts.outside += 1
      return
    }
    let refutation = found.finding.refutation
    switch expected {
    case .failed: break
    case .holds(let pairs):
      #expect(refutation == nil && found.result.end == .exhausted, "seed \(seed)")
      #expect(found.finding.abstractSteps == pairs, "seed \(seed)")
      counts.holds += 1
      counts.moving += pairs > 0 ? 1 : 0
    case .violated(let steps):
      #expect(refutation?.trace.steps.count == steps, "seed \(seed)")
      counts.violated += 1
      counts.later += steps > 1 ? 1 : 0
    case .outside(let steps):
      // The engines may take another step of the same length first, which is not allowed.
      #expect(refutation?.trace.steps.count == steps, "seed \(seed)")
    }
  }
}
