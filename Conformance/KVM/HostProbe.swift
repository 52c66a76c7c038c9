import CKVM
import ConformanceKit
import Glibc

/// Finds out what a kernel can do by trying.
struct HostProbe {
  private let options: RunnerOptions
  private let hasLog: Bool

  /// - Parameter hasLog: the kernel's log can be read.
  init(_ options: RunnerOptions, hasLog: Bool) {
    self.options = options
    self.hasLog = hasLog
  }

  /// VM types that there are numbers for: plain, software-protected, SEV, SEV-ES, SNP, TDX.
  private static let types: Range<UInt64> = 0..<6

  /// - Throws: `unavailable` without /dev/kvm.
  func profile() throws(BackendError) -> Profile {
    guard let device = Descriptor(path: "/dev/kvm", flags: O_RDWR) else {
      throw BackendError(.unavailable, "/dev/kvm: \(String(cString: strerror(errno)))")
    }
    var profile = Profile(backend: "kvm")
    for type in Self.types {
      let made = device.ioctl(CKVM_CREATE_VM, type)
      guard made >= 0 else { continue }
      let machine = Descriptor(owning: Int32(truncatingIfNeeded: made))
      profile.capabilities.insert(Capability("vm-type:\(type)"))
      if options.rules.allowsRun {
        profile.capabilities.insert(Capability("run:\(type)"))
      }
      if hasMemory(machine) { profile.capabilities.insert("KVM_CAP_GUEST_MEMFD") }
    }
    for name in ["KVM_CAP_MEMORY_ATTRIBUTES", "KVM_CAP_PRE_FAULT_MEMORY"] {
      let number = UInt64(CapabilityNumber.all[name] ?? 0)
      if device.ioctl(CKVM_CHECK_EXTENSION, number) > 0 {
        profile.capabilities.insert(Capability(name))
      }
    }
    let standIn = StandIn()
    if standIn?.canDelay == true { profile.capabilities.insert("standin-delay") }
    if standIn != nil {
      // Over a stand-in only TDs can run: its instructions for other guests do nothing.
      profile.capabilities.subtract(["run:0", "run:1"])
      profile.capabilities.formUnion(["standin", "seamcall-log"])
    }
    if standIn == nil, profile.capabilities.contains("vm-type:5") {
      profile.capabilities.insert("tdx-module")
    }
    if options.rules.allowsRun { profile.capabilities.insert("vcpu") }
    if options.ownsKernel { profile.capabilities.insert(.race) }
    if hasLog { profile.capabilities.insert(.complaints) }
    profile.details = details
    return profile
  }

  private func hasMemory(_ machine: borrowing Descriptor) -> Bool {
    var create = ckvm_create_guest_memfd()
    create.size = 4096
    let made = withUnsafeMutablePointer(to: &create) {
      machine.ioctl(CKVM_CREATE_GUEST_MEMFD, UInt64(UInt(bitPattern: $0)))
    }
    guard made >= 0 else { return false }
    _ = Descriptor(owning: Int32(truncatingIfNeeded: made))
    return true
  }

  private var details: [String: String] {
    let release = KernelFile.text("/proc/sys/kernel/osrelease")
    let words = release.split(whereSeparator: \.isWhitespace)
    return [
      "kernel": words.first.map(String.init) ?? "unknown",
      "cpus": "\(sysconf(Int32(_SC_NPROCESSORS_ONLN)))",
    ]
  }
}
