import SpecLanguage

/// What the module promises about one TD's key, and nothing else: the spec that others refine.
///
/// Each action is the moment at which a leaf takes effect; who calls it, with which locks and
/// through which checks, is left to the specs that refine this one. A call that is refused changes
/// nothing here.
public struct HKIDLife: Spec {
  public static let name = "tdx/hkid-life"
  public let summary = "the life of one TD's key, without calls, locks and threads"

  /// The TDR's life cycle and the KOT entry of its HKID, which go together (tdx-module §2.1, §2.3).
  public enum Key: EnumDomain {
    /// No TD has the HKID.
    case free
    /// TD_HKID_ASSIGNED: no key yet.
    case assigned
    /// TD_KEYS_CONFIGURED: the only state in which the key can be used.
    case configured
    /// TD_BLOCKED: flushed from the vCPUs, not yet from the caches.
    case blocked
    /// TD_TEARDOWN: the HKID is free, the TD's pages are not all back yet.
    case tornDown
  }

  public let key: Var<Key>
  /// Some vCPU is associated with a logical processor, which may hold what the key has decrypted.
  public let inUse: Var<Bool>
  /// TDH.PHYMEM.CACHE.WB has completed everywhere since the key was blocked.
  public let writtenBack = Var(false, as: "written_back")
  /// The host's pool has the HKID: it may give it to another TD.
  public let pooled: Var<Bool>

  /// Chooses between the two starts, where a spec has both.
  private let created: Parameter?

  /// A key that no TD has yet.
  public init() {
    created = nil
    key = Var(.free)
    inUse = Var(false, as: "in_use")
    pooled = Var(true)
  }

  /// - Parameter created: 1: the TD is configured and has run; 0: no TD has the key yet.
  public init(created: Parameter) {
    self.created = created
    key = Var(choose(created == 1, Key.configured, else: .free))
    inUse = Var(created == 1, as: "in_use")
    pooled = Var(created == 0)
  }

  public var actions: [Action] {
    take
    create
    configure
    associate
    flush
    block
    writeBack
    free
    returnToPool
    reclaim
  }

  private var take: Action {
    Action("the host takes the HKID from its pool", cites: "kvm-tdx §4.1") {
      Require(key == .free && pooled)
      pooled <- false
    }
  }

  /// The host may have taken the HKID before, or takes it with the call.
  private var create: Action {
    Action("TDH.MNG.CREATE", cites: "tdx-module §8.1") {
      Require(key == .free)
      key <- .assigned
      pooled <- false
    }
  }

  private var configure: Action {
    Action("TDH.MNG.KEY.CONFIG on the last package", cites: "tdx-module §8.2") {
      Require(key == .assigned)
      key <- .configured
    }
  }

  private var associate: Action {
    Action("a vCPU is associated", cites: "tdx-module §9.6") {
      Require(key == .configured)
      inUse <- true
    }
  }

  private var flush: Action {
    Action("TDH.VP.FLUSH of the last vCPU", cites: "tdx-module §9.4") {
      Require(key == .configured)
      inUse <- false
    }
  }

  private var block: Action {
    Action("TDH.MNG.VPFLUSHDONE", cites: "tdx-module §8.7") {
      Require(key.in(.assigned, .configured) && !inUse)
      key <- .blocked
    }
  }

  private var writeBack: Action {
    Action("TDH.PHYMEM.CACHE.WB on the last package", cites: "tdx-module §11.4") {
      Require(key == .blocked)
      writtenBack <- true
    }
  }

  private var free: Action {
    Action("TDH.MNG.KEY.FREEID", cites: "tdx-module §8.9") {
      Require(key == .blocked && writtenBack)
      key <- .tornDown
    }
  }

  private var returnToPool: Action {
    Action("the host takes the HKID back", cites: "kvm-tdx S-1") {
      Require(key.in(.tornDown, .free) && !pooled)
      pooled <- true
    }
  }

  private var reclaim: Action {
    Action("TDH.PHYMEM.PAGE.RECLAIM of the TDR", cites: "tdx-module §11.1") {
      Require(key == .tornDown)
      key <- .free
      writtenBack <- false
    }
  }

  public var properties: [Property] {
    Always("K-1", "the key is in use only while it is configured", cites: "tdx-module §14.3") {
      inUse ==> key == .configured
    }
    Always(
      "K-2", "the host gives the HKID away only when the module has freed it", cites: "kvm-tdx S-1"
    ) { pooled ==> key.in(.free, .tornDown) }
    Always(
      "K-3", "the HKID is free only after flushes and write-backs everywhere",
      cites: "kvm-tdx S-2", "kvm-tdx S-3"
    ) { key == .tornDown ==> writtenBack && !inUse }
    Possible("reuse", "the HKID comes back while the TD's pages are not all back") {
      pooled
      key == .tornDown
    }
  }
}

extension RunnableTD {
  /// What the module's part of a key's life is for one TD.
  @ListBuilder<MapClause> public func keyLife(_ abstract: HKIDLife) -> [MapClause] {
    Maps(
      abstract.key,
      to: choose(
        life == .TD_KEYS_CONFIGURED, .configured,
        else: choose(
          life == .TD_BLOCKED, .blocked,
          else: choose(
            life == .TD_TEARDOWN, .tornDown,
            else: choose(life == .TD_HKID_ASSIGNED, HKIDLife.Key.assigned, else: .free)))))
    Maps(abstract.inUse, to: exists(VCPU.self) { v in associated[v] })
    Maps(abstract.writtenBack, to: cachesWritten)
  }
}
