// DISABLE, PREPARE and PERFORM (s390-pv §1.11, §1.12).
extension S390Host {
  func disable(_ given: PVArgument, _ call: inout KernelCall) throws(KVMStop) {
    try command(given, &call) { call throws(KVMStop) in
      try refuse(&call, .EINVAL, "not protected", if: !machine.isProtected)
      let isFine = try unprotectCPUs(&call)
      try refuse(&call, .EIO, "cpus", if: !isFine)
      if profile.isAsync {
        let failure = try cleanUpAll(&call)
        try refuse(&call, .EIO, "clean up", if: failure != nil)
      } else {
        try walkProcess(&call)
        let isDestroyed = destroyOwn(&call)
        try refuse(&call, .EIO, "destroy", if: !isDestroyed)
      }
    }
  }

  func prepare(_ given: PVArgument, _ call: inout KernelCall) throws(KVMStop) {
    try command(given, &call) { call throws(KVMStop) in
      try refuse(&call, .EINVAL, "not protected", if: !machine.isProtected)
      try refuse(&call, .EINVAL, "async_destroy", if: !profile.allowsAsync)
      let isFine = try unprotectCPUs(&call)
      try refuse(&call, .EIO, "cpus", if: !isFine)
      try setAside(&call)
    }
  }

  private func setAside(_ call: inout KernelCall) throws(KVMStop) {
    try refuse(&call, .EINVAL, "aside", if: machine.aside != nil)
    try refuse(&call, .EINVAL, "segment table", if: profile.isSegment)
    try refuse(&call, .ENOMEM, "record memory", if: starved.remove(.record) != nil)
    var leftover = ProtectedMachine.Leftover()
    if profile.hasFastDestroy {
      let isDestroyed = destroyOwnFast(&call)
      try refuse(&call, .EIO, "fast destroy", if: !isDestroyed)
    } else {
      leftover = .init(
        handle: machine.handle, base: machine.base, variable: machine.variable,
        table: machine.table)
      try refuse(&call, .ENOMEM, "table memory", if: starved.remove(.table) != nil)
      effect("table", call) { machine.table = memory.allocate("a top-level table") }
    }
    // All pages of these guests are above 2 GiB: none is cleaned here.
    clear(call)
    effect("aside", call) { machine.aside = leftover }
    tellExecuted(&call)
  }

  func performCleanup(_ given: PVArgument, _ call: inout KernelCall) throws(KVMStop) {
    try command(given, &call, holdsLock: false) { call throws(KVMStop) in
      try refuse(&call, .EINVAL, "async_destroy", if: !profile.allowsAsync)
      try take(machine.lock, &call)
      try refuse(&call, .EINVAL, "no aside", if: machine.aside == nil)
      let leftover = machine.aside ?? ProtectedMachine.Leftover()
      effect("aside", call) { machine.aside = nil }
      drop(machine.lock, &call)
      if try walkGuest(&call, isInterruptible: true) {
        try take(machine.lock, &call)
        effect("need_cleanup", call) { machine.needCleanup.append(leftover) }
        drop(machine.lock, &call)
        return tellExecuted(&call)
      }
      let failure = dispose(leftover, call)
      if leftover.handle != nil {
        tell(&call, rc: failure?.rc ?? 1, rrc: failure?.rrc ?? 0)
      }
      try refuse(&call, .EIO, "destroy", if: failure != nil)
    }
  }
}
