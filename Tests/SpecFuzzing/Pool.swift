@testable import SpecLanguage
@testable import SpecProgram

/// Variables of every type, for random expressions and specs.
struct Pool: SpecPart {
  let b0 = Var(false)
  let b1 = Var(true)
  let n0 = Var(0, in: -2...3)
  let n1 = Var(1, in: 0...5)
  /// Too many values for a comparison of two to be tabulated.
  let big0 = Var(7, in: 0...99)
  let big1 = Var(-9, in: -50...60)
  let c0 = Var(Color.red)
  let c1 = Var(Color.blue)
  let oc = Var(Color?.none)
  let ow = Var(W?.none)
  let set0 = Var(SetOf<V>.empty)
  let set1 = Var(SetOf<V>.all)
  let mb = Map(V.self, false)
  let mn = Map(V.self, 0, in: 0...3)
  let mc = Map(Color.self, Color.green)
  let mow = Map(V.self, W?.none)
  let ms = Map(W.self, SetOf<V>.empty)
  let m2 = Map2(V.self, W.self, false)
  let m3 = Map2(Color.self, Bool.self, Color.red)
  let owner = Constant(V.self, W.self) { v, ws in v % ws }
  let next = Constant(V.self, V.self) { v, vs in (v + 1) % vs }
  let level = Parameter("LEVEL", 0...3, default: 1)
}

/// Random well-typed expressions over a `Pool`.
struct NodeGenerator {
  enum Kind: CaseIterable {
    case bool, int, color, optionalColor, elementV, elementW, optionalW, set
  }

  let pool: Pool
  var random: SplitMix
  /// Names in scope.
  var bound: [BoundID] = []
  var locals: [LocalID] = []
  /// How many elements V has; W has two.
  var elements = 3
  private var nextBound = 1_000_000

  init(_ pool: Pool, seed: UInt64) {
    self.pool = pool
    random = SplitMix(seed: seed)
  }

  mutating func node(_ kind: Kind, _ depth: Int) -> Node {
    switch kind {
    case .bool: bool(depth)
    case .int: int(depth)
    case .color: color(depth)
    case .optionalColor: optionalColor(depth)
    case .elementV: elementV(depth)
    case .elementW: elementW(depth)
    case .optionalW: optionalW(depth)
    case .set: set(depth)
    }
  }

  private mutating func choice(_ kind: Kind, _ depth: Int) -> Node {
    .conditional(bool(depth - 1), node(kind, depth - 1), node(kind, depth - 1))
  }

  private mutating func scoped(_ type: ValueType) -> Node? {
    let names =
      bound.filter { $0.type == type }.map { Node.bound($0) }
      + locals.filter { $0.type == type }.map { Node.local($0) }
    return names.isEmpty ? nil : random.pick(names)
  }

  /// A sub-expression with one more name in scope.
  private mutating func binding(
    _ type: ValueType, _ depth: Int, _ make: (BoundID, Node) -> Node
  ) -> Node {
    nextBound += 1
    let id = BoundID(raw: nextBound, type: type)
    bound.append(id)
    let body = bool(depth - 1)
    bound.removeLast()
    return make(id, body)
  }

  mutating func bool(_ depth: Int) -> Node {
    if depth <= 0 {
      switch random.below(8) {
      case 0: return .literal(random.below(2), .bool)
      case 1: return pool.mb[Expr(elementV(0))].node
      case 2: return pool.m2[Expr(elementV(0)), Expr(elementW(0))].node
      case 3: return .contains(set: set(0), element: elementV(0))
      case 4: return scoped(.bool) ?? pool.b0.node
      case 5: return .equal(color(0), color(0))
      default: return random.pick([pool.b0.node, pool.b1.node])
      }
    }
    let type = random.pick([V.valueType, W.valueType])
    switch random.below(12) {
    case 0: return .not(bool(depth - 1))
    case 1: return .and((0...random.below(3)).map { _ in bool(depth - 1) })
    case 2: return .or((0...random.below(3)).map { _ in bool(depth - 1) })
    case 3: return .implies(bool(depth - 1), bool(depth - 1))
    case 4, 5:
      let kind = random.pick(Kind.allCases)
      return .equal(node(kind, depth - 1), node(kind, depth - 1))
    case 6: return .less(int(depth - 1), int(depth - 1))
    case 7: return binding(type, depth) { .forAll($0, $1) }
    case 8: return binding(type, depth) { .exists($0, $1) }
    case 9: return .contains(set: set(depth - 1), element: elementV(depth - 1))
    case 10: return choice(.bool, depth)
    default: return bool(0)
    }
  }

  mutating func int(_ depth: Int) -> Node {
    if depth <= 0 {
      switch random.below(8) {
      case 0: return random.below(9).literal(-3)
      case 1: return pool.mn[Expr(elementV(0))].node
      case 2: return .parameter("LEVEL")
      case 3, 4: return random.pick([pool.big0.node, pool.big1.node])
      default: return random.pick([pool.n0.node, pool.n1.node])
      }
    }
    switch random.below(6) {
    case 0: return .add(int(depth - 1), int(depth - 1))
    case 1: return .subtract(int(depth - 1), int(depth - 1))
    case 2: return .count(set(depth - 1))
    case 3: return choice(.int, depth)
    case 4: return pool.mn[Expr(elementV(depth - 1))].node
    default: return int(0)
    }
  }

  mutating func color(_ depth: Int) -> Node {
    switch random.below(depth <= 0 ? 4 : 7) {
    case 0: return random.pick(Color.allCases).literal
    case 1: return scoped(Color.valueType) ?? pool.c1.node
    case 2, 3: return random.pick([pool.c0.node, pool.c1.node])
    case 4: return pool.mc[Expr(color(depth - 1))].node
    case 5: return pool.m3[Expr(color(depth - 1)), Expr(bool(depth - 1))].node
    default: return choice(.color, depth)
    }
  }

  mutating func optionalColor(_ depth: Int) -> Node {
    switch random.below(depth <= 0 ? 3 : 4) {
    case 0: return Color?.none.literal
    case 1: return .some(color(depth - 1))
    case 2: return pool.oc.node
    default: return choice(.optionalColor, depth)
    }
  }

  mutating func elementV(_ depth: Int) -> Node {
    switch random.below(depth <= 0 ? 3 : 5) {
    case 0: return .literal(random.below(elements), V.valueType)
    case 1, 2: return scoped(V.valueType) ?? .literal(random.below(elements), V.valueType)
    case 3: return .constant(pool.next.id, elementV(depth - 1))
    default: return choice(.elementV, depth)
    }
  }

  mutating func elementW(_ depth: Int) -> Node {
    switch random.below(depth <= 0 ? 3 : 5) {
    case 0: return .literal(random.below(2), W.valueType)
    case 1, 2: return scoped(W.valueType) ?? .constant(pool.owner.id, elementV(depth - 1))
    case 3: return .constant(pool.owner.id, elementV(depth - 1))
    default: return choice(.elementW, depth)
    }
  }

  mutating func optionalW(_ depth: Int) -> Node {
    switch random.below(depth <= 0 ? 4 : 5) {
    case 0: return W?.none.literal
    case 1: return .some(elementW(depth - 1))
    case 2: return pool.ow.node
    case 3: return pool.mow[Expr(elementV(depth - 1))].node
    default: return choice(.optionalW, depth)
    }
  }

  mutating func set(_ depth: Int) -> Node {
    if depth <= 0 {
      switch random.below(6) {
      case 0: return SetOf<V>.empty.literal
      case 1: return SetOf<V>.all.literal
      case 2: return pool.ms[Expr(elementW(0))].node
      case 3: return scoped(SetOf<V>.valueType) ?? pool.set1.node
      default: return random.pick([pool.set0.node, pool.set1.node])
      }
    }
    switch random.below(7) {
    case 0: return .inserting(elementV(depth - 1), into: set(depth - 1))
    case 1: return .removing(elementV(depth - 1), from: set(depth - 1))
    case 2: return .union(set(depth - 1), set(depth - 1))
    case 3: return .subtracting(set(depth - 1), from: set(depth - 1))
    case 4: return binding(V.valueType, depth) { .setOf($0, $1) }
    case 5: return choice(.set, depth)
    default: return set(0)
    }
  }
}

extension Int {
  /// A literal that is shifted, so that negative ones occur.
  fileprivate func literal(_ shift: Int) -> Node { (self + shift).literal }
}
