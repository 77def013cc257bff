package sluice.vdev.qemu;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The QEMUs of this host, to tell which of them attaches a device.
 *
 * @param all the preferred first
 * @param problem why there may be others, or empty
 */
record HostQemus(List<InstalledQemu> all, String problem) {
    /** All that the cache folder and the environment of the user name. */
    static HostQemus ofUser() throws InterruptedException {
        try {
            return new HostQemus(InstalledQemu.all(CacheFolder.ofUser(), new ArrayList<>()), "");
        } catch (IOException e) {
            return new HostQemus(List.of(), String.valueOf(e.getMessage()));
        }
    }

    /** The first that has a device. */
    Optional<QemuBinary> with(QemuDevice device) {
        return all.stream().filter(qemu -> qemu.devices().contains(device)).map(InstalledQemu::binary).findFirst();
    }

    /**
     * Begins a hint, up to the program's name: the first QEMU that has a device, or which is needed and what is here instead.
     *
     * @param oldest version that has it
     */
    String attach(QemuDevice device, String oldest) {
        return with(device)
                .map(qemu -> "attach it to QEMU %s with: %s".formatted(qemu.version(),
                        QemuHint.shell(qemu.path().toString())))
                .orElseGet(() -> "attach it to QEMU %s or later (%s) with: %s".formatted(oldest, lacks(device),
                        QemuBinary.NAME));
    }

    /** Says that none has a device. */
    String lacks(QemuDevice device) {
        if (!problem.isEmpty()) return problem;
        if (all.isEmpty()) return "there is no QEMU on this host";
        List<String> versions = all.stream().map(qemu -> qemu.binary().version()).distinct().toList();
        int last = versions.size() - 1;
        String names = last == 0
                ? versions.getFirst()
                : String.join(", ", versions.subList(0, last)) + " and " + versions.get(last);
        return "QEMU %s on this host %s no %s".formatted(names, last == 0 ? "has" : "have", device.model());
    }
}
