import Foundation
import QEMUBackend
import Synchronization
import Testing

@testable import KernelBuild

/// The build of kernels, over a tree and a `make` that only look like those of a kernel.
@Suite struct KernelBuildTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  @Test("the tool has the files of the stand-in as they are in the project")
  func files() throws {
    let folder = Self.root.appendingPathComponent("Conformance/StandIn/kernel")
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter {
      var isFolder: ObjCBool = false
      let path = folder.appendingPathComponent($0).path
      return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        && !isFolder.boolValue
    }
    #expect(names.sorted() == StandInFile.all.map(\.path).sorted())
    for file in StandInFile.all {
      let text = try String(contentsOf: folder.appendingPathComponent(file.path), encoding: .utf8)
      #expect(file.text == text)
    }
  }

  @Test("the backend understands what is said of an image", arguments: BootForm.allCases)
  func options(form: BootForm) throws {
    let machine = try MachineForm(kernel: "bzImage-7.3", options: form.options)
    let plain = form == .standin ? MachineForm.standIn : .amd
    #expect(machine.oldestVersion == plain.oldestVersion)
    #expect(machine.machine.contains("q35") && !machine.append.isEmpty)
    #expect(machine.append.contains("standin_tdx") == (form == .standin))
  }

  @Test("a configuration is compared by what each option is")
  func configuration() {
    let wanted = KernelConfiguration("CONFIG_A=y\nCONFIG_B=n\nCONFIG_C=4\n# a remark\nCONFIG_D=n\n")
    let present = KernelConfiguration("CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=8\n")
    #expect(wanted.unmet(in: present) == ["CONFIG_C=4"])
    #expect(wanted.unmet(in: KernelConfiguration("")) == ["CONFIG_A=y", "CONFIG_C=4"])
  }

  @Test("a kernel's Makefile says which it is")
  func release() {
    let text = "# SPDX\nVERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 0\nEXTRAVERSION = -rc7\n"
    #expect(KernelRelease(makefile: text)?.description == "7.3")
    #expect(KernelRelease(makefile: "all:\n\tcc a.c\n") == nil)
  }

  @Test("a build leaves two images and their options, and the source as it was")
  func builds() throws {
    let tree = try FakeTree()
    defer { tree.remove() }
    let built = try tree.build.run(isStopped: { false }, onProgress: { _ in })
    #expect(built.release.description == "7.3")
    let names = try FileManager.default.contentsOfDirectory(atPath: tree.target).sorted()
    #expect(
      names == [
        "bzImage-7.3-standin", "bzImage-7.3-standin.options", "bzImage-7.3-swprot",
        "bzImage-7.3-swprot.options",
      ])
    let options = try tree.text("kernels/bzImage-7.3-standin.options")
    #expect(options.contains("append standin_tdx "))
    #expect(try tree.text("work/source/make.words").contains("/source/standin/include"))
    #expect(try tree.text("linux/Kbuild") == "obj-y += kernel/\n")
    // Once more: nothing is unpacked or configured again, and the line is there once.
    try tree.write("work/source/marker", "")
    _ = try tree.build.run(isStopped: { false }, onProgress: { _ in })
    #expect(try tree.text("work/source/marker").isEmpty)
    #expect(try tree.text("work/source/Kbuild") == "obj-y += kernel/\nobj-y += standin/\n")
  }

  @Test("what cannot be built is refused with its reason")
  func refusals() throws {
    let tree = try FakeTree()
    defer { tree.remove() }
    func failure(_ build: KernelBuild) -> KernelBuildError? {
      do throws(KernelBuildError) {
        _ = try build.run(isStopped: { false }, onProgress: { _ in })
        return nil
      } catch { return error }
    }
    var build = tree.build
    build.source = tree.folder + "/nothing"
    #expect(failure(build)?.kind == .unusable)
    build.source = tree.folder + "/bin"
    #expect(failure(build)?.description.contains("no VERSION") == true)
    try tree.write("linux.tar.xz", "no archive")
    build.source = tree.folder + "/linux.tar.xz"
    #expect(failure(build)?.kind == .unusable)
    build = tree.build
    build.target = "/proc/nowhere"
    #expect(
      failure(build)?.description == "/proc/nowhere: it cannot be made: No such file or directory")
    build = tree.build
    build.headers = ["/nowhere/gelf.h": "libelf-dev"]
    #expect(failure(build)?.kind == .missing)
    #expect(failure(build)?.description.contains("apt-get install libelf-dev has them") == true)
    try tree.write("linux/refused", "CONFIG_KVM_INTEL_TDX\n")
    #expect(failure(tree.build)?.description.contains("CONFIG_KVM_INTEL_TDX=y") == true)
    try tree.write("linux/refused", "nothing\n")
    try tree.write("linux/broken", "")
    let broken = failure(tree.freshBuild)
    #expect(broken?.kind == .failed)
    #expect(broken?.description.contains("msrs.c:1:1: error: it is broken") == true)
    try tree.write("linux/Makefile", "VERSION = 6\nPATCHLEVEL = 12\n")
    #expect(failure(tree.freshBuild)?.description.contains("Linux 6.12") == true)
  }

  @Test("a build that is stopped ends what it started", .timeLimit(.minutes(1)))
  func stops() throws {
    let tree = try FakeTree()
    defer { tree.remove() }
    try tree.write("linux/slow", "")
    let isCompiling = Mutex(false)
    var kind: KernelBuildError.Kind?
    do throws(KernelBuildError) {
      _ = try tree.build.run(
        isStopped: { isCompiling.withLock { $0 } },
        onProgress: { if case .compiled = $0 { isCompiling.withLock { $0 = true } } })
    } catch { kind = error.kind }
    #expect(kind == .interrupted)
    #expect(!FileManager.default.fileExists(atPath: tree.target + "/bzImage-7.3-swprot"))
    let sleeper = Int32(
      try tree.text("work/source/sleeper").trimmingCharacters(in: .whitespacesAndNewlines))
    // Dead, or about to be waited for by whoever adopts it; long before its own minute is over.
    func isGone() -> Bool {
      let state = try? String(contentsOfFile: "/proc/\(sleeper ?? 0)/stat", encoding: .utf8)
      return state == nil || state?.contains(") Z ") == true
    }
    for _ in 0..<100 where !isGone() { usleep(100_000) }
    #expect(isGone())
  }
}

/// A tree with a Makefile that says 7.3, and programs of the names that the build looks for.
private struct FakeTree {
  let folder: String
  var target: String { folder + "/kernels" }

  var build: KernelBuild {
    var build = KernelBuild(
      source: folder + "/linux", target: target, work: folder + "/work", jobs: 1)
    build.path = folder + "/bin:/usr/bin:/bin"
    build.headers = [:]
    return build
  }

  /// One that unpacks the source anew.
  var freshBuild: KernelBuild {
    try? FileManager.default.removeItem(atPath: folder + "/work")
    return build
  }

  private static let make = """
    #!/bin/sh
    case "$*" in
      tinyconfig) : > .config ;;
      olddefconfig) grep -v -F -f refused .config > .config.new; mv .config.new .config ;;
      *bzImage*)
        echo "$*" > make.words
        echo "  CC      standin/msrs.o"
        if [ -f slow ]; then sleep 60 & echo $! > sleeper; wait; fi
        if [ -f broken ]; then echo "standin/msrs.c:1:1: error: it is broken"; exit 2; fi
        mkdir -p arch/x86/boot; echo image > arch/x86/boot/bzImage ;;
    esac
    """

  init() throws {
    folder = FileManager.default.temporaryDirectory.path + "/kernel-\(UUID().uuidString)"
    try write("linux/Makefile", "VERSION = 7\nPATCHLEVEL = 3\n")
    try write("linux/Kbuild", "obj-y += kernel/\n")
    try write("linux/refused", "nothing\n")
    try write("linux/scripts/kconfig/merge_config.sh", "#!/bin/sh\ncat \"$3\" >> \"$2\"\n")
    try write("bin/make", Self.make)
    for name in ["gcc", "ld", "flex", "bison", "bc", "xz"] {
      try write("bin/\(name)", "#!/bin/sh\n")
    }
    for path in [
      "linux/scripts/kconfig/merge_config.sh", "bin/make", "bin/gcc", "bin/ld", "bin/flex",
    ]
      + ["bin/bison", "bin/bc", "bin/xz"]
    {
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: "\(folder)/\(path)")
    }
  }

  func write(_ path: String, _ text: String) throws {
    let file = URL(fileURLWithPath: "\(folder)/\(path)")
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: file, atomically: false, encoding: .utf8)
  }

  func text(_ path: String) throws -> String {
    try String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8)
  }

  func remove() { try? FileManager.default.removeItem(atPath: folder) }
}
