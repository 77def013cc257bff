package sluice.vdev.report;

import org.jspecify.annotations.Nullable;

import sluice.iommu.fault.FaultLog;
import sluice.vdev.device.Report;

/**
 * What a device reports.
 *
 * @param name unique in its process
 * @param faults of its address space, or null if it has none
 */
public record ReportedDevice(String name, Report report, @Nullable FaultLog faults) {}
