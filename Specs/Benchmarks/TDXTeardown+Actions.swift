import SpecLanguage

extension TDXTeardown {
  var create: Action {
    Action("Create") {
      Require(td == .none && hkid == .free)
      td <- .created
      hkid <- .assigned
    }
  }
  var keyConfig: Action {
    Action("KeyConfig") {
      Require(td == .created && hkid == .assigned)
      hkid <- .configured
    }
  }
  var initialise: Action {
    Action("Init") {
      Require(td == .created && hkid == .configured)
      td <- .initialised
    }
  }
  var addPage: Action {
    Action("AddPage", each: Page.self) { p in
      Require(live && sept[p] == .free && gmem[fileOf[p]] && slot[fileOf[p]])
      sept[p] <- .mapped
    }
  }
  var finalize: Action {
    Action("Finalize") {
      Require(td == .initialised)
      td <- .runnable
    }
  }
  var enter: Action {
    Action("Enter", each: VCPU.self, LP.self) { v, l in
      Require(td == .runnable && !run[v])
      Require(assoc[v] == nil || assoc[v] == l)
      Require(!exists(VCPU.self) { w in run[w] && assoc[w] == l })
      assoc[v] <- l
      run[v] <- true
      Each(Page.self) { p in When(sept[p].in(.tracked, .removed)) { stale[v, p] <- false } }
    }
  }
  var exit: Action {
    Action("Exit", each: VCPU.self) { v in
      Require(run[v])
      run[v] <- false
    }
  }
  var vpFlush: Action {
    Action("VpFlush", each: VCPU.self) { v in
      Require(assoc[v] != nil && !run[v] && hkid == .configured)
      assoc[v] <- nil
      Each(Page.self) { p in stale[v, p] <- false }
    }
  }
  var blockPage: Action {
    Action("Block", each: Page.self) { q in
      Require(live && sept[q] == .mapped)
      block { p in p == q }
    }
  }
  var track: Action {
    Action("Track") {
      Require(live)
      Require(exists(Page.self) { p in sept[p] == .blocked })
      Require(
        !exists(VCPU.self) { v in
          exists(Page.self) { p in run[v] && stale[v, p] && sept[p] == .tracked }
        })
      Each(Page.self) { p in When(sept[p] == .blocked) { sept[p] <- .tracked } }
    }
  }
  var remove: Action {
    Action("Remove", each: Page.self) { p in
      Require(live && sept[p] == .tracked)
      Require(bug == 2 || !exists(VCPU.self) { v in run[v] && stale[v, p] })
      sept[p] <- .removed
    }
  }
  var gmemClose: Action {
    Action("GmemClose", each: File.self) { f in
      Require(td != .destroyed && gmem[f])
      gmem[f] <- false
      When(live) { block { p in fileOf[p] == f } }
    }
  }
  var slotDelete: Action {
    Action("SlotDelete", each: File.self) { f in
      Require(td != .destroyed && slot[f])
      slot[f] <- false
      When(live) { block { p in fileOf[p] == f } }
    }
  }
  var terminate: Action {
    Action("Terminate") {
      Require(live && forAll(VCPU.self) { v in !run[v] })
      td <- .teardown
    }
  }
  var vpFlushDone: Action {
    Action("VpFlushDone") {
      Require(td == .teardown && hkid == .configured)
      Require(bug == 1 || forAll(VCPU.self) { v in assoc[v] == nil })
      hkid <- .flushed
    }
  }
  var cacheWB: Action {
    Action("CacheWb", each: LP.self) { l in
      Require(td == .teardown && hkid == .flushed && !wb[l])
      wb[l] <- true
    }
  }
  var freeID: Action {
    Action("FreeId") {
      Require(td == .teardown && hkid == .flushed && forAll(LP.self) { l in wb[l] })
      hkid <- .free
    }
  }
  var reclaim: Action {
    Action("Reclaim", each: Page.self) { p in
      Require(td == .teardown && hkid == .free && sept[p].in(.mapped, .blocked, .tracked))
      sept[p] <- .reclaimed
    }
  }
  var destroy: Action {
    Action("Destroy") {
      Require(td == .teardown && hkid == .free)
      Require(!exists(Page.self) { p in sept[p].in(.mapped, .blocked, .tracked) })
      Require(!exists(File.self) { f in gmem[f] || slot[f] })
      td <- .destroyed
    }
  }
}
