package sluice.vdev.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.InstalledQemu;
import sluice.vdev.qemu.KvmProbe;
import sluice.vdev.qemu.QemuBinary;
import sluice.vdev.qemu.QemuDevice;

/** {@code sluice doctor}: what this host has and lacks, and the commands that fix it. */
@Command(name = "doctor", mixinStandardHelpOptions = true, description = "Report what this host has and lacks, with the command that fixes each.")
final class DoctorCommand implements Callable<Integer> {
    private static final String SETUP = "guest-tests/host/packages.sh";
    private static final String SETUP_MODULES = "guest-tests/host/packages.sh modules";
    private static final String SETUP_TESTS = "guest-tests/host/packages.sh tests";
    private static final int LEAST_MAPPINGS = 65_530;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    /**
     * One result.
     *
     * @param needed whether serving or showing a GPU requires it
     * @param mend the command that provides it, or why there is none; empty if it is present
     * @param qemu the examined QEMU, if it is one
     */
    private record Finding(String what, boolean present, boolean needed, String found, String mend,
            @Nullable InstalledQemu qemu) {
        Finding(String what, boolean present, boolean needed, String found, String mend) {
            this(what, present, needed, found, mend, null);
        }
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        List<Finding> findings = new ArrayList<>();
        findings.add(
                new Finding("JDK 25", true, true, System.getProperty("java.vm.name") + " " + Runtime.version(), ""));
        findings.addAll(qemus());
        findings.add(program("Maven", "mvn", true, "apt-get install maven"));
        findings.add(program("C compiler", "gcc", true, SETUP));
        findings.add(program("busybox", "busybox", true, SETUP));
        findings.add(program("make", "make", false, "only for kernel modules; " + SETUP_MODULES));
        findings.addAll(headers());
        findings.add(manifest());
        findings.add(desktop());
        findings.add(kvm(CacheFolder.ofUser()));
        findings.add(
                file("udmabuf", "/dev/udmabuf", "optional; modprobe udmabuf if the kernel has it (guests do)"));
        findings.add(mappings());
        PrintWriter out = commandSpec().commandLine().getOut();
        if (json) {
            out.println(new GsonBuilder().setPrettyPrinting().create().toJson(report(findings)));
        } else {
            for (Finding finding : findings) out.println(line(finding));
        }
        boolean lacking = findings.stream().anyMatch(f -> f.needed() && !f.present());
        if (lacking) commandSpec().commandLine().getErr().println("sluice: something required is missing, see above");
        return lacking ? 1 : 0;
    }

    /** The QEMU that commands use by default, then the others. */
    private static List<Finding> qemus() throws IOException, InterruptedException {
        List<Finding> findings = new ArrayList<>();
        CacheFolder cache = CacheFolder.ofUser();
        List<String> problems = new ArrayList<>();
        List<InstalledQemu> found = InstalledQemu.all(cache, problems);
        Path chosen = null;
        try {
            chosen = QemuBinary.find(null).path();
        } catch (IOException e) {
            findings.add(new Finding("QEMU", false, true, String.valueOf(e.getMessage()), SETUP));
        }
        for (InstalledQemu qemu : found) findings.add(finding(qemu, qemu.binary().path().equals(chosen)));
        for (String problem : problems) {
            findings.add(new Finding("QEMU", false, false, problem, "delete it, or install it again"));
        }
        if (found.stream().noneMatch(qemu -> qemu.binary().path().startsWith(cache.path()))) {
            findings.add(new Finding("other QEMUs", false, false, "none under " + cache.path().resolve("qemu"),
                    "only for the tests; " + SETUP_TESTS));
        }
        return findings;
    }

    private static Finding finding(InstalledQemu qemu, boolean chosen) {
        boolean gpu = qemu.devices().contains(QemuDevice.VHOST_USER_GPU);
        return new Finding("QEMU " + qemu.binary().version(), gpu, chosen, qemu.sentence(),
                gpu ? "" : "apt-get install qemu-system-gui qemu-system-modules-opengl", qemu);
    }

    private static Finding program(String what, String name, boolean needed, String mend) {
        for (String folder : System.getenv().getOrDefault("PATH", "").split(":", -1)) {
            Path candidate = Path.of(folder, name);
            if (Files.isExecutable(candidate)) return new Finding(what, true, needed, candidate.toString(), "");
        }
        return new Finding(what, false, needed, "not in PATH", mend);
    }

    private static Finding manifest() {
        Path peer = Path.of("/usr/share/qemu/vhost-user/50-qemu-gpu.json");
        boolean present = Files.exists(peer);
        return new Finding("C peer vhost-user-gpu", present, false, present ? peer.toString() : "not installed",
                present ? "" : "only for comparisons; " + SETUP_TESTS);
    }

    /** The headers for building kernel modules, one result for each unpacked kernel. */
    private static List<Finding> headers() throws IOException {
        List<Finding> findings = new ArrayList<>();
        Path cache = CacheFolder.ofUser().path();
        for (String link : List.of("current", "newest")) {
            Path kernel = cache.resolve("kernel").resolve(link);
            if (!Files.isSymbolicLink(kernel)) continue;
            Path headers = cache.resolve("headers").resolve(Files.readSymbolicLink(kernel)).resolve("build");
            boolean present = Files.exists(headers.resolve("Makefile"));
            findings.add(new Finding("kernel headers, " + link, present, false,
                    present ? headers.toString() : "not unpacked",
                    present ? "" : "only for kernel modules; " + SETUP_MODULES));
        }
        return findings;
    }

    private static Finding desktop() {
        Path weston = CacheFolder.ofUser().path().resolve("desktop/trixie/usr/bin/weston");
        boolean present = Files.exists(weston);
        return new Finding("Weston for guests", present, false, present ? weston.toString() : "not unpacked",
                present ? "" : "only for the tests; " + SETUP_TESTS);
    }

    /** As the demo, which boots a guest under KVM once and remembers whether it did. */
    private static Finding kvm(CacheFolder cache) throws IOException, InterruptedException {
        String mend = "optional; ask the owner of this machine for nested virtualisation, guests run under TCG without it";
        if (!Files.exists(KvmProbe.DEVICE)) return new Finding("KVM", false, false, "no " + KvmProbe.DEVICE, mend);
        if (!KvmProbe.isUsable()) {
            return new Finding("KVM", false, false, "no permission to use " + KvmProbe.DEVICE,
                    "optional; usermod -aG kvm $USER, and log in again");
        }
        Boolean boots = null;
        for (InstalledQemu qemu : InstalledQemu.all(cache, new ArrayList<>())) {
            Boolean known = new KvmProbe(cache).known(qemu.binary());
            if (known != null) boots = known;
        }
        if (boots == null)
            return new Finding("KVM", true, false,
                    KvmProbe.DEVICE + ", not tried yet: ./sluice demo boots a guest under it", "");
        return boots
                ? new Finding("KVM", true, false, KvmProbe.DEVICE + ", a guest has booted under it", "")
                : new Finding("KVM", false, false, KvmProbe.DEVICE + " is there, but no guest boots under it", mend);
    }

    private static Finding file(String what, String path, String mend) {
        boolean present = Files.exists(Path.of(path));
        return new Finding(what, present, false, present ? path : "no " + path, present ? "" : mend);
    }

    private static Finding mappings() {
        try {
            int limit = Integer.parseInt(Files.readAllLines(Path.of("/proc/sys/vm/max_map_count")).getFirst());
            boolean enough = limit >= LEAST_MAPPINGS;
            return new Finding("memory mappings", enough, true, "vm.max_map_count is " + limit,
                    enough ? "" : "sysctl vm.max_map_count=" + LEAST_MAPPINGS);
        } catch (IOException e) {
            return new Finding("memory mappings", false, false, String.valueOf(e.getMessage()), "mount /proc");
        }
    }

    private static String line(Finding finding) {
        String mark = finding.present() ? "ok     " : finding.needed() ? "MISSING" : "absent ";
        String mend = finding.mend().isEmpty() ? "" : " -> " + finding.mend();
        return "%s %-22s %s%s".formatted(mark, finding.what(), finding.found(), mend);
    }

    private static JsonArray report(List<Finding> findings) {
        JsonArray all = new JsonArray();
        for (Finding finding : findings) {
            JsonObject one = new JsonObject();
            one.addProperty("what", finding.what());
            one.addProperty("present", finding.present());
            one.addProperty("needed", finding.needed());
            one.addProperty("found", finding.found());
            one.addProperty("mend", finding.mend());
            InstalledQemu qemu = finding.qemu();
            if (qemu != null) {
                one.addProperty("path", qemu.binary().path().toString());
                one.addProperty("version", qemu.binary().version());
                JsonArray devices = new JsonArray();
                qemu.devices().forEach(device -> devices.add(device.model()));
                one.add("devices", devices);
            }
            all.add(one);
        }
        return all;
    }

    private CommandSpec commandSpec() {
        CommandSpec present = spec;
        if (present == null) throw new IllegalStateException("picocli injects the command's specification");
        return present;
    }
}
