package sluice.guest;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.InstalledQemu;
import sluice.vdev.qemu.QemuBinary;

/** The QEMUs that tests run on. Each boots the kernel of its time, see {@link GuestKernel#forQemu}. */
public enum TestQemu {
    /** Debian 12's own, unpacked. It refuses vhost-user devices under TCG. */
    QEMU_7(7, 7),
    /** The one that Debian 12 (backports) and Debian 13 install; Linux 6.12. */
    QEMU_10(10, 10),
    /** From Debian 13's backports, unpacked; Linux 7. */
    QEMU_11(11, 99);

    static final CacheFolder CACHE = CacheFolder.ofUser();

    private final int first;
    private final int last;

    TestQemu(int first, int last) {
        this.first = first;
        this.last = last;
    }

    /** The program; a missing one fails the test, for {@code packages.sh tests} provides all of them. */
    public QemuBinary binary() throws IOException, InterruptedException {
        List<String> problems = new ArrayList<>();
        for (InstalledQemu qemu : InstalledQemu.all(CACHE, problems)) {
            if (qemu.binary().major() >= first && qemu.binary().major() <= last) return qemu.binary();
        }
        throw new IOException("no QEMU %d is found on this host, run guest-tests/host/packages.sh tests %s"
                .formatted(first, problems));
    }

    @Override
    public String toString() {
        return "QEMU " + first;
    }
}
