import SpecLanguage

enum VCPU: Sort {}
enum Page: Sort {}
enum Worker: Role {}
enum TD: EnumDomain { case none, created, runnable }

/// A part with declarations of every kind, to be nested.
struct Inner: SpecPart {
  let pages = Parameter("pages", of: Page.self, 1...4, default: 2)
  let sept = Map(Page.self, false)
  let mmuLock = RWLock("mmu_lock", rank: 50)
}

/// Declarations before, inside and after a part.
struct SampleSpec: Spec {
  static let name = "test/sample"
  let summary = "declarations of every kind"

  let vcpus = Parameter("vcpus", of: VCPU.self, 1...4, default: 2)
  let td = Var(TD.none)
  let kvmLock = Lock("kvm->lock", rank: 10)
  let inner = Inner()
  let assoc = Map(VCPU.self, Page?.none)
  let stale = Map2(VCPU.self, Page.self, false)
  let tries = Var(0, in: 0...3)
  let busy = Var(SetOf<VCPU>.empty)
  let seen = Ghost(false)
  let limit = Parameter("LIMIT", 0...3, default: 1)
  let mutexes = Locks("vcpu->mutex", each: VCPU.self, rank: 20)
  let owner = Constant(Page.self, VCPU.self) { page, vcpus in page % vcpus }

  var actions: [Action] { [] }
  var properties: [Property] { [] }
}
