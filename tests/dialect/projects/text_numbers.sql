-- Numbers staged as text, compared with numbers and cast, timestamps with a zone.
DROP TABLE IF EXISTS events; DROP TABLE IF EXISTS dim_time CASCADE;
create table events (artist varchar(max), auth varchar(20), firstname varchar(max), gender varchar(5), iteminsession varchar(10), lastname varchar(50),
    length varchar(30), level varchar(10), location varchar(200), method varchar(10), page varchar(20), registration varchar(30), sessionid varchar(10),
    song varchar(max), status varchar(5), ts varchar(20), useragent varchar(500), userid varchar(10));
copy events from '{log_data}' iam_role '{arn}' json '{jsonpath}' region 'us-west-2' maxerror 10;
create table dim_time (start_time timestamptz not null, hour smallint, day smallint, week smallint, month varchar(10), year smallint, weekday varchar(9), plays numeric(8,2));
insert into dim_time
select distinct timestamptz 'epoch' + (ts::bigint / 1000) * interval '1 second' as st, extract(h from st), extract(day from st), extract(weeks from st),
    to_char(st, 'Mon'), extract(y from st), trim(to_char(st, 'Day')), iteminsession
from events where page = 'NextSong' and sessionid = 139 and status = '200';
select count(*), max(month), max(weekday), sum(plays), min(start_time) from dim_time
-- => 2 | Nov | Thursday | 3.00 | 2018-11-01 21:01:46+00:00
