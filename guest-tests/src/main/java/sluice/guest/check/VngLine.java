package sluice.guest.check;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The command lines by which virtme-ng boots a kernel with the devices of a check: one that serves them, and vng's. vng joins what
 * {@code --qemu-opts} is given into a line of a shell, so its devices are quoted twice; {@code --numa} makes the guest's memory a shared
 * memfd, as another process that is to see it needs.
 */
final class VngLine {
    private static final String MEMORY = "1G";

    private VngLine() {}

    /**
     * Prints both.
     *
     * @param kernel what {@code --run} gets: a tree or an image
     * @param qemu that has vfio-user-pci
     */
    static void print(PrintWriter out, Card card, Setup setup, Path kernel, Path qemu) {
        Path folder = Path.of(System.getProperty("java.io.tmpdir"), "sluice-vng");
        out.println("# in one terminal:");
        out.printf("mkdir -p %s && ./sluice serve%s%n", shell(folder.toString()),
                CardServer.devices(folder, card, setup).stream().map(VngLine::shell)
                        .collect(Collectors.joining(" ", " ", "")));
        out.println("# in another:");
        List<String> words = new ArrayList<>(List.of("vng", "--run", kernel.toString(), "--disable-microvm", "--memory",
                MEMORY, "--numa", MEMORY, "--qemu", qemu.toString()));
        if (!setup.kernel().isEmpty()) words.addAll(List.of("--append", setup.kernel()));
        List<String> devices = new ArrayList<>(List.of("-machine q35"));
        if (!setup.iommu().device().isEmpty()) devices.add("-device " + setup.iommu().device());
        for (String device : CardServer.qemuDevices(folder, card, setup)) devices.add("-device " + shell(device));
        words.add("--qemu-opts=" + String.join(" ", devices));
        out.println(words.stream().map(VngLine::shell).collect(Collectors.joining(" ")));
        out.flush();
    }

    /** A word as a shell reads it back. */
    private static String shell(String word) {
        return word.matches("[A-Za-z0-9_./,:=+-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}
