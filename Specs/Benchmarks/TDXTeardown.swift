import SpecLanguage

/// The benchmark model: TDX teardown without locks, in every peer's language (perf §2).
///
/// It is an abstraction made for comparing tools, not a claim about the TDX module. Its counts of
/// states and transitions are a contract.
public struct TDXTeardown: Spec {
  public static let name = "bench/tdx-teardown"
  public let summary = "benchmark: the TDX teardown model that all peers are measured on"

  public enum VCPU: Sort {}
  public enum Page: Sort {}
  public enum LP: Sort {}
  public enum File: Sort {}
  public enum PadWord: Sort {}
  public enum TD: EnumDomain { case none, created, initialised, runnable, teardown, destroyed }
  public enum HKID: EnumDomain { case free, assigned, configured, flushed }
  public enum SEPT: EnumDomain { case free, mapped, blocked, tracked, removed, reclaimed }

  let n = Parameter("N", of: VCPU.self, 1...6, default: 2, "vCPUs")
  let p = Parameter("P", of: Page.self, 1...8, default: 2, "private pages")
  let l = Parameter("L", of: LP.self, 1...4, default: 2, "logical processors")
  let f = Parameter("F", of: File.self, 1...4, default: 1, "guest_memfd files, one memslot each")
  let bug = Parameter("BUG", 0...2, default: 0, "a seeded bug: 1 breaks I1, 2 breaks I2")
  let pad = Parameter("PAD", of: PadWord.self, 0...2, default: 0, "words that never change")
  let fileOf = Constant(Page.self, File.self) { page, files in page % files }

  let td = Var(TD.none)
  let hkid = Var(HKID.free)
  let wb = Map(LP.self, false)
  let assoc = Map(VCPU.self, LP?.none)
  let run = Map(VCPU.self, false)
  let sept = Map(Page.self, SEPT.free)
  let stale = Map2(VCPU.self, Page.self, false)
  let gmem = Map(File.self, true)
  let slot = Map(File.self, true)
  let padding = Map(PadWord.self, 0, in: 0...((1 << 62) - 1))

  public init() {}

  var live: Condition { td.in(.initialised, .runnable) }

  /// Blocks the mapped pages that satisfy a condition.
  func block(_ chosen: @escaping (Expr<Page>) -> Condition) -> Statement {
    Each(Page.self) { p in
      When(chosen(p) && sept[p] == .mapped) {
        sept[p] <- .blocked
        Each(VCPU.self) { v in When(assoc[v] != nil) { stale[v, p] <- true } }
      }
    }
  }

  public var actions: [Action] {
    create
    keyConfig
    initialise
    addPage
    finalize
    enter
    exit
    vpFlush
    blockPage
    track
    remove
    gmemClose
    slotDelete
    terminate
    vpFlushDone
    cacheWB
    freeID
    reclaim
    destroy
  }

  public var properties: [Property] {
    Always("I1", "no HKID is free while a vCPU is associated") {
      forAll(VCPU.self) { v in hkid == .free ==> assoc[v] == nil }
    }
    Always("I2", "no removed page is reachable by a stale translation") {
      forAll(VCPU.self) { v in
        forAll(Page.self) { p in run[v] && stale[v, p] ==> sept[p] != .removed }
      }
    }
    Always("I3", "no page is reclaimed before teardown") {
      forAll(Page.self) { p in
        sept[p] == .reclaimed ==> td.in(.teardown, .destroyed) && hkid == .free
      }
    }
    Always("I4", "nothing is left to do after destroy") {
      td == .destroyed ==> hkid == .free
        && forAll(VCPU.self) { v in assoc[v] == nil && !run[v] }
        && forAll(Page.self) { p in sept[p].in(.free, .removed, .reclaimed) }
        && forAll(File.self) { f in !gmem[f] && !slot[f] }
    }
    Always("I5", "a running vCPU has an LP of its own and a runnable TD") {
      forAll(VCPU.self) { v in
        run[v] ==> assoc[v] != nil && td == .runnable
          && forAll(VCPU.self) { w in v == w || !run[w] || assoc[v] != assoc[w] }
      }
    }
  }
}
