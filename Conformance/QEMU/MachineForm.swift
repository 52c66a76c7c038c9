import ConformanceKit

/// How QEMU has to be called for a kernel to offer its KVM.
///
/// Kernels differ in the processor they need. A file `KERNEL.options` beside the kernel says what
/// it needs, a setting a line: `qemu 10` (the oldest version), `machine ARGUMENTS` (of QEMU),
/// `append ARGUMENTS` (of the kernel). Without that file the name decides.
public struct MachineForm: Hashable, Sendable {
  /// The oldest QEMU whose emulation suffices.
  public var oldestVersion = 7
  /// Arguments of QEMU: accelerator, processor, memory.
  public var machine: [String]
  /// What the kernel's command line has besides the console.
  public var append: [String] = []

  /// Grace periods of RCU take as long as anything under emulation, and KVM waits for one in most
  /// calls; expedited they take an interrupt of each processor.
  private static let expedited = "rcupdate.rcu_expedited=1"

  /// A processor of AMD with nested paging, which QEMU emulates: guests run. User space has 47
  /// bits of addresses, as suites take it to have, and not the 56 of paging with five levels.
  public static let amd = MachineForm(
    machine: [
      "-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", "max,+svm,-la57", "-smp", "2",
      "-m", "2048",
    ],
    append: [expedited])

  /// A processor of Intel for a kernel whose SEAMCALLs are functions of its own: the model has no
  /// erratum of TDX, its addresses leave room for key ids, and there is no SVM for another KVM.
  public static let standIn = MachineForm(
    oldestVersion: 10,
    machine: [
      "-accel", "tcg,thread=multi", "-machine", "q35", "-cpu",
      "max,vendor=GenuineIntel,family=6,model=173,stepping=1,phys-bits=52,-svm", "-smp", "2",
      "-m", "2048",
    ],
    append: ["kvm_intel.nested=0", "kvm_intel.tdx=1", expedited])

  init(oldestVersion: Int = 7, machine: [String], append: [String] = []) {
    self.oldestVersion = oldestVersion
    self.machine = machine
    self.append = append
  }

  /// The form for a kernel.
  ///
  /// - Parameters:
  ///   - name: the kernel's file name.
  ///   - options: what its file of options says; nil without one.
  public init(kernel name: String, options: String?) throws(BackendError) {
    let isStandIn = ["faketdx", "standin", "stand-in"].contains { name.contains($0) }
    self = isStandIn ? .standIn : .amd
    guard let options else { return }
    for line in options.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
      let words = line.split(separator: " ").map(String.init)
      guard let setting = words.first else { continue }
      let values = Array(words.dropFirst())
      switch setting {
      case "qemu":
        guard let version = values.first.flatMap({ Int($0) }) else {
          throw BackendError(.unavailable, "\(name).options: 'qemu' takes a version")
        }
        oldestVersion = version
      case "machine": machine = values
      case "append": append = values
      default:
        throw BackendError(.unavailable, "\(name).options: there is no setting '\(setting)'")
      }
    }
  }
}
