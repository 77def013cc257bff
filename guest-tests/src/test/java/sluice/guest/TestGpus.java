package sluice.guest;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The GPUs that display tests run on. */
public final class TestGpus {
    private TestGpus() {}

    /**
     * Our GPU as a child process, on the classes under test and with the flags of this JVM, as the launcher would start it.
     *
     * @param more flags for its JVM
     */
    public static GpuProvider sluice(String... more) {
        return GpuProvider.command("Sluice", sluiceCommand(more));
    }

    /** Its command line, to which options of {@code sluice gpu} can be added. */
    static List<String> sluiceCommand(String... more) {
        return deviceCommand("gpu", more);
    }

    /** The same for another device. */
    static List<String> deviceCommand(String device, String... more) {
        List<String> command = new ArrayList<>(List.of("env", "--block-signal=USR2", "_JAVA_SR_SIGNUM=50",
                Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        for (String flag : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (flag.startsWith("--")) command.add(flag);
        }
        command.addAll(List.of(more));
        command.addAll(List.of("-Xmx256m", "-cp", System.getProperty("java.class.path"), "sluice.vdev.cli.Start"));
        command.add(device);
        return command;
    }

    /** What stands for {@code ./sluice} of the command line. */
    public static List<String> launcher() {
        List<String> command = deviceCommand("");
        command.removeLast();
        return command;
    }

    /** Ours, saying every message of the front-end on standard error. */
    static GpuProvider talkative() {
        return sluice("-Dsluice.log=FINE");
    }

    /** All of them: QEMU's own and the C peer prove that a test is right, ours is what is tested. */
    public static List<GpuProvider> all() {
        return List.of(GpuProvider.builtIn(), GpuProvider.peer(), sluice());
    }
}
