package sluice.vdev.pci;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.memory.FileMapping;

/**
 * The memory of a BAR, from the beginning of a file. The function owns both and closes them at its end.
 *
 * @param file passed to front-ends, which map it: a sealed memfd
 * @param mapping of the same file
 */
public record BarMemory(Fd file, FileMapping mapping) {}
