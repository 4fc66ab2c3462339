// One function per launcher; the order between them and its exceptions are in launcher_of().
#include "writer/identity.h"

#include <limits>

namespace wb {
namespace {

/// What one launcher says about this process.
struct Place {
  std::string launcher;
  std::optional<std::int64_t> rank;
  std::optional<std::int64_t> world_size;
  std::optional<std::int64_t> local_rank;
  std::optional<std::int64_t> node_rank;
};

/// torchrun, or a program that sets its variables itself (init_method="env://").
std::optional<Place> torchrun_place(const Environment& environment) {
  const auto rank = first_count(environment, {"RANK"});
  const auto world_size = first_count(environment, {"WORLD_SIZE"});
  if (!rank || !world_size || *rank >= *world_size) return std::nullopt;
  const bool is_elastic = !first_set(environment, {"TORCHELASTIC_RUN_ID"}).empty();
  return Place{is_elastic ? "torchrun" : "env", rank, world_size, first_count(environment, {"LOCAL_RANK"}),
               first_count(environment, {"GROUP_RANK", "NODE_RANK"})};
}

/// A task of a Slurm step. A batch script has SLURM_PROCID=0 too, but no step: it is no rank of anything.
std::optional<Place> slurm_place(const Environment& environment) {
  const auto rank = first_count(environment, {"SLURM_PROCID"});
  if (!rank || first_set(environment, {"SLURM_STEP_ID", "SLURM_STEPID"}).empty()) return std::nullopt;
  return Place{"slurm", rank, first_count(environment, {"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"}),
               first_count(environment, {"SLURM_LOCALID"}), first_count(environment, {"SLURM_NODEID"})};
}

struct RankVariables {
  const char* launcher;
  const char* rank;
  const char* world_size;
  const char* local_rank;
};

constexpr RankVariables kMpiLaunchers[] = {
    {"openmpi", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
    {"mvapich", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_LOCAL_RANK"},
    {"pals", "PALS_RANKID", "PMI_SIZE", "PALS_LOCAL_RANKID"},
    {"pmi", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"},
    {"pmix", "PMIX_RANK", "PMIX_SIZE", "PMIX_LOCAL_RANK"},
    {"jsrun", "JSM_NAMESPACE_RANK", "JSM_NAMESPACE_SIZE", "JSM_NAMESPACE_LOCAL_RANK"},
    {"flux", "FLUX_TASK_RANK", "FLUX_JOB_SIZE", "FLUX_TASK_LOCAL_ID"},
};

std::optional<Place> mpi_place(const Environment& environment) {
  for (const RankVariables& names : kMpiLaunchers) {
    const auto rank = first_count(environment, {names.rank});
    if (!rank) continue;
    return Place{names.launcher, rank, first_count(environment, {names.world_size}),
                 first_count(environment, {names.local_rank}), first_count(environment, {"NODE_RANK"})};
  }
  return std::nullopt;
}

Place place_of(const Environment& environment) {
  // Under Slurm's batch script all torchrun workers inherit SLURM_PROCID=0: torchrun is asked first.
  if (auto place = torchrun_place(environment)) return *place;
  const auto slurm = slurm_place(environment);
  const auto mpi = mpi_place(environment);
  // mpirun starts one daemon per node through srun, and every rank inherits its daemon's SLURM_PROCID. The sizes
  // tell: with srun itself as launcher both agree.
  if (slurm && mpi && mpi->world_size && slurm->world_size != mpi->world_size) return *mpi;
  if (slurm) return *slurm;
  return mpi.value_or(Place{});
}

std::string slurm_job(const Environment& environment) {
  const std::string array = first_set(environment, {"SLURM_ARRAY_JOB_ID"});
  const std::string task = first_set(environment, {"SLURM_ARRAY_TASK_ID"});
  if (!array.empty() && !task.empty()) return array + "_" + task;
  return first_set(environment, {"SLURM_JOB_ID", "SLURM_JOBID"});
}

std::string job_of(const Environment& environment) {
  const std::string elastic = first_set(environment, {"TORCHELASTIC_RUN_ID"});
  if (!elastic.empty() && elastic != "none") return elastic;  // "none" is torchrun's default, the same for all jobs.
  std::string slurm = slurm_job(environment);
  if (!slurm.empty()) return slurm;
  return first_set(environment,
                   {"OMPI_MCA_ess_base_jobid", "PMIX_NAMESPACE", "PBS_JOBID", "LSB_JOBID", "FLUX_JOB_ID", "JOB_ID"});
}

/// torchrun's restarts happen within one start of the Slurm job: both counts make one that only rises.
std::int64_t attempt_of(const Environment& environment) {
  const std::int64_t requeues = first_count(environment, {"SLURM_RESTART_COUNT"}).value_or(0);
  const auto restarts = first_count(environment, {"TORCHELASTIC_RESTART_COUNT"});
  if (!restarts) return requeues;
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  const std::int64_t starts = first_count(environment, {"TORCHELASTIC_MAX_RESTARTS"}).value_or(0);
  return std::min(requeues, kMost) * (std::min(starts, kMost) + 1) + std::min(*restarts, kMost);
}

}  // namespace

Identity resolve_identity(const Options& options, const Environment& environment) {
  Place place = place_of(environment);
  const auto explicit_rank = options.rank ? options.rank : first_count(environment, {"WB_RANK"});
  const auto explicit_size = options.world_size ? options.world_size : first_count(environment, {"WB_WORLD_SIZE"});
  // A rank given by hand that differs numbers other processes than the launcher does: its size does not fit then.
  if (explicit_rank && explicit_rank != place.rank) place = Place{.launcher = place.launcher};
  Identity identity;
  identity.rank = explicit_rank ? explicit_rank : place.rank;
  identity.world_size = explicit_size ? explicit_size : place.world_size;
  const auto local_rank = first_count(environment, {"WB_LOCAL_RANK"});
  identity.local_rank = local_rank ? local_rank : place.local_rank;
  const auto node_rank = first_count(environment, {"WB_NODE_RANK"});
  identity.node_rank = node_rank ? node_rank : place.node_rank;
  const auto attempt = options.attempt ? options.attempt : first_count(environment, {"WB_ATTEMPT"});
  identity.attempt = attempt ? *attempt : attempt_of(environment);
  const std::string job = first_set(environment, {"WB_JOB"});
  identity.job = !job.empty() ? job : job_of(environment);
  identity.launcher = place.launcher;
  if (identity.launcher.empty() && !slurm_job(environment).empty()) identity.launcher = "slurm";
  return identity;
}

}  // namespace wb
