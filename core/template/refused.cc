#include "core/template/refused.h"

#include <algorithm>
#include <array>
#include <utility>

namespace millrace::jinja {
namespace {

using Row = std::pair<std::string_view, std::string_view>;

constexpr std::string_view kClock =
    "a template has no clock; use data_interval_end, logical_date or dag_run.run_after";

constexpr std::array<Row, 29> kNames = {
    {{"execution_date", "Airflow 3 removed it; use logical_date"},
     {"next_ds", "Airflow 3 removed it; use data_interval_end | ds"},
     {"next_ds_nodash", "Airflow 3 removed it; use data_interval_end | ds_nodash"},
     {"next_execution_date", "Airflow 3 removed it; use data_interval_end"},
     {"prev_ds", "Airflow 3 removed it; use macros.ds_add(ds, -1) or prev_data_interval_start_success | ds"},
     {"prev_ds_nodash", "Airflow 3 removed it; use prev_data_interval_start_success | ds_nodash"},
     {"prev_execution_date", "Airflow 3 removed it; use prev_data_interval_start_success"},
     {"prev_execution_date_success", "Airflow 3 removed it; use prev_data_interval_start_success"},
     {"tomorrow_ds", "Airflow 3 removed it; use macros.ds_add(ds, 1)"},
     {"tomorrow_ds_nodash", "Airflow 3 removed it; use logical_date.add(days=1) | ds_nodash"},
     {"yesterday_ds", "Airflow 3 removed it; use macros.ds_add(ds, -1)"},
     {"yesterday_ds_nodash", "Airflow 3 removed it; use logical_date.subtract(days=1) | ds_nodash"},
     {"triggering_dataset_events", "Airflow 3 renamed it: triggering_asset_events"},
     {"conf", "Millrace has no airflow.cfg; the conf of a run is dag_run.conf"},
     {"inlet_events", "events of datasets are not there; triggering_asset_events is"},
     {"outlet_events", "a template cannot emit events"},
     {"lipsum", "a template that needs filler text writes it"},
     {"macros.relativedelta", "write macros.dateutil.relativedelta.relativedelta(months=1)"},
     {"macros.datetime.now", kClock},
     {"macros.datetime.today", kClock},
     {"macros.datetime.utcnow", kClock},
     {"macros.datetime_diff_for_humans", kClock},
     {"macros.hive", "Hive is not there; a python task can ask it"},
     {"macros.time", kClock},
     {"macros.uuid", "a template makes no ids; run_id and task_instance_key_str are unique"},
     {"macros.ds_format_locale", "a template knows English only; use macros.ds_format"},
     {"macros.closest_ds_partition", "Hive is not there; a python task can ask it"},
     {"self", "a template stands alone and has no blocks"},
     {"super", "a template stands alone and has no blocks"}}};

template <std::size_t kSize>
std::string Why(const std::array<Row, kSize>& rows, std::string_view name) {
  const auto row =
      std::find_if(rows.begin(), rows.end(), [name](const Row& known) { return known.first == name; });
  return row == rows.end() ? "" : ": " + std::string(row->second);
}

}  // namespace

std::string WhyUndefined(std::string_view name) { return Why(kNames, name); }

}  // namespace millrace::jinja
