extension KVMHost {
  /// What a machine without VMs must not have: pages in use, key ids, locks, lines in caches, VMs
  /// found broken. Sorted, in words.
  public var leftovers: [String] {
    var found = warnings
    if freeKeys != freeKeys.sorted() || Set(freeKeys).count != freeKeys.count {
      found.append("the pool of key ids is damaged")
    }
    found += keysInUse.map { "key id \($0) is not free" }
    guard let tdx = module.module else { return found.sorted() }
    found += tdx.metadata.used.map { "page 0x\(String($0.address, radix: 16)) is \($0.type)" }
    found += tdx.metadata.locked.map { "page 0x\(String($0.address, radix: 16)) is locked" }
    if !tdx.domains.isEmpty { found.append("\(tdx.domains.count) TDs are there") }
    for hkid in tdx.platform.hkids where tdx.keys[hkid].state != .HKID_FREE {
      if hkid != tdx.globalHKID { found.append("the module's key id \(hkid) is not free") }
    }
    if let stop = tdx.stop { found.append("the module stopped: \(stop)") }
    return found.sorted()
  }

  private var keysInUse: [Int] {
    Array(Set(firstKey...platform.hkids.upperBound).subtracting(freeKeys))
  }

  /// Nothing is left of any VM.
  public var isClean: Bool { leftovers.isEmpty }
}
