package sluice.vdev.pci;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.memory.FileMapping;

/**
 * Memory behind a BAR, from the first byte of a file on. The function owns both and closes them when it ends.
 *
 * @param file is handed to front-ends, which map it: a sealed memfd
 * @param mapping of the same file
 */
public record BarMemory(Fd file, FileMapping mapping) {}
